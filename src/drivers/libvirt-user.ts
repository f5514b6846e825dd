import { lstatSync, type Stats } from 'node:fs';
import { isAbsolute } from 'node:path';
import { VmnetError } from '../errors.js';

/** A libvirt that runs as an ordinary user, and its guests with it: what libvirt calls a session. */
export interface LibvirtUser {
  /** With the socket in it, so that root reaches it, too. */
  readonly uri: string;
  readonly uid: number;
}

/** Which libvirt is used. */
export interface Connection {
  /** As it was asked for where whose it is cannot be told. */
  readonly uri: string;
  /** null where it is that of the host. Throws `usage` or `libvirt` where whose it is cannot be told. */
  user(): LibvirtUser | null;
  /** Use a lab's own from now on, null for what was asked for; what the user named goes first. */
  follow(user: LibvirtUser | null): void;
  /** Throws `libvirt` unless its socket is there, and is that user's. */
  check(): void;
}

/** What is known of who calls. */
export interface Caller {
  readonly uid: number;
  /** SUDO_UID. */
  readonly sudoUid: string | undefined;
}

const DEFAULT_URI = 'qemu:///system';

/** @param given from the command line; what the environment says is only used where a lab has no word in it */
export function makeConnection(
  given: string | undefined,
  fromEnv: string | undefined,
  caller: Caller,
): Connection {
  const asked = given ?? (fromEnv || DEFAULT_URI);
  let followed: LibvirtUser | null = null;
  const user = () => followed ?? userOf(asked, caller);
  return {
    get uri() {
      try {
        return user()?.uri ?? asked;
      } catch {
        return asked;
      }
    },
    user,
    follow(lab) {
      if (given === undefined || lab?.uri === given) followed = lab;
    },
    check() {
      const known = user();
      const socket = known && socketIn(known.uri);
      if (known && socket) checkOwner(socket, known.uid);
    },
  };
}

/** Whose libvirt a URI means; null for any but a session on this host. */
export function userOf(uri: string, { uid, sudoUid }: Caller): LibvirtUser | null {
  if (!isSession(uri)) return null;
  const socket = socketIn(uri);
  if (socket !== null) {
    if (!isAbsolute(socket))
      throw new VmnetError(
        'usage',
        `the socket in ${uri} is no absolute path`,
        "As in --connect 'qemu:///session?socket=/run/user/1000/libvirt/libvirt-sock'.",
      );
    const owner = ownerOf(socket, null);
    return owner === 0 ? null : { uri, uid: owner };
  }
  // libvirt finds, and starts, the daemon of whoever calls.
  if (uid !== 0) return { uri, uid };
  const by = Number(sudoUid);
  if (!/^\d+$/.test(sudoUid ?? '') || by === 0)
    throw new VmnetError(
      'usage',
      `${uri} is the libvirt of an ordinary user, and root has none`,
      "Run vmnet by sudo from that user's shell, or name the socket: --connect 'qemu:///session?socket=/run/user/UID/libvirt/libvirt-sock'.",
    );
  return { uri: `qemu+unix:///session?socket=${sessionSocket(by)}`, uid: by };
}

/** The one daemon for all, or that of QEMU alone, which newer distributions have. */
function sessionSocket(uid: number): string {
  const folder = `/run/user/${uid}/libvirt`;
  const names = ['virtqemud-sock', 'libvirt-sock'];
  return `${folder}/${names.find(name => look(`${folder}/${name}`) !== null) ?? 'libvirt-sock'}`;
}

export const isSession = (uri: string) => /^qemu(\+unix)?:\/\/\/session\/?(\?|$)/.test(uri);

export function socketIn(uri: string): string | null {
  return new URLSearchParams(uri.split('?')[1] ?? '').get('socket');
}

function checkOwner(socket: string, uid: number): void {
  const owner = ownerOf(socket, uid);
  if (owner === uid) return;
  throw new VmnetError(
    'libvirt',
    `the socket ${socket} belongs to uid ${owner}, not to uid ${uid}, as whom the guests are to run`,
    "Name the socket of that user's own libvirt with --connect.",
  );
}

/** @param uid whose it should be, where that is known */
function ownerOf(socket: string, uid: number | null): number {
  const found = look(socket);
  if (found === null)
    throw new VmnetError('libvirt', `there is no libvirt at ${socket}`, startHint(uid ?? uidIn(socket)));
  if (!found.isSocket())
    throw new VmnetError(
      'libvirt',
      `${socket} is no socket`,
      'Name the socket that libvirt listens on: `ls -l /run/user/UID/libvirt/`.',
    );
  return found.uid;
}

/** Not through a symbolic link: the user may have made it, to a socket that is another's. */
function look(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

export const uidIn = (path: string): number | null => {
  const digits = /^\/run\/user\/(\d+)\//.exec(path)?.[1];
  return digits === undefined ? null : Number(digits);
};

/** How a user's libvirt is brought up; it ends by itself when nobody has used it for two minutes. */
export const startHint = (uid: number | null): string => {
  const start =
    uid === null
      ? '`virsh -c qemu:///session list`, as that user, starts it'
      : `\`sudo -u '#${uid}' XDG_RUNTIME_DIR=/run/user/${uid} virsh -c qemu:///session list\` starts it`;
  return `The user's libvirt does not run: ${start}. It ends two minutes after its last guest and client; \`systemctl --user enable --now libvirtd.socket\` (or virtqemud.socket), where there is one, keeps it at hand.`;
};
