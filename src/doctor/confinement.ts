import type { PathPart } from '../drivers/inspect.js';
import type { Lab } from '../lab/model.js';
import type { Ground } from './ground.js';
import { hasUser } from './libvirt-user.js';
import { about, type Finding } from './model.js';

/** Whom QEMU runs as. */
export interface QemuUser {
  readonly name: string;
  readonly uid: number;
  readonly gids: readonly number[];
}

export async function lookAtConfinement(ground: Ground): Promise<Finding[]> {
  const { drivers, lab } = ground;
  const { files, inspect, stateDir, cacheDir } = drivers;
  // A user's QEMU is kept from nothing but what the user is kept from, which is told by itself.
  if (hasUser(drivers)) return [];
  const [apparmor, selinux, conf, passwd, group] = await Promise.all([
    files.read('/sys/module/apparmor/parameters/enabled'),
    files.read('/sys/fs/selinux/enforce'),
    files.read('/etc/libvirt/qemu.conf'),
    files.read('/etc/passwd'),
    files.read('/etc/group'),
  ]);
  const user = qemuUser(conf ?? '', passwd ?? '', group ?? '');
  const ways = await Promise.all([stateDir, cacheDir, ...bootFiles(lab)].map(path => inspect.way(path)));
  return [
    judgeConfinement({
      apparmor: apparmor?.trim() === 'Y',
      selinux: selinux === null ? 'off' : selinux.trim() === '1' ? 'enforcing' : 'permissive',
      driver: setting(conf ?? '', 'security_driver'),
      stateDir,
    }),
    judgeQemuUser(user, ways),
  ];
}

/** Files that QEMU opens where they are. */
const bootFiles = (lab: Lab | null): string[] =>
  (lab?.vms ?? []).flatMap(({ boot, disks }) => {
    const images = disks.flatMap(({ image }) => image ?? []);
    return boot.kind === 'kernel' ? [boot.kernel, ...(boot.initrd ? [boot.initrd] : []), ...images] : images;
  });

/** A setting of qemu.conf that is a string; null where it is left to libvirt. */
export const setting = (conf: string, name: string): string | null =>
  new RegExp(`^\\s*${name}\\s*=\\s*"([^"]*)"`, 'm').exec(conf)?.[1] ?? null;

/** The user of qemu.conf, else the one that the distribution made for it; null where there is none, and it is root. */
export function qemuUser(conf: string, passwd: string, group: string): QemuUser | null {
  const wanted = setting(conf, 'user')?.replace(/^\+/, '');
  const rows = passwd.split('\n').map(line => line.split(':'));
  const found = (wanted === undefined ? ['libvirt-qemu', 'qemu'] : [wanted])
    .map(name => rows.find(row => row[0] === name || row[2] === name))
    .find(row => row !== undefined);
  const [name = '', , uid = '', gid = ''] = found ?? [];
  if (!found || uid === '0') return null;
  const gids = group
    .split('\n')
    .map(line => line.split(':'))
    .filter(([, , , members = '']) => members.split(',').includes(name))
    .map(([, , number]) => Number(number));
  return { name, uid: Number(uid), gids: [Number(gid), ...gids] };
}

/** The first part of a way that stops a user: a folder that may not be passed, a file that may not be read. */
export function stopsAt(way: readonly PathPart[], user: QemuUser): PathPart | null {
  return way.find(part => !may(part, user)) ?? null;
}

function may({ uid, gid, mode, folder }: PathPart, user: QemuUser): boolean {
  const bit = folder ? 1 : 4;
  const shift = uid === user.uid ? 6 : user.gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & bit) !== 0;
}

export function judgeQemuUser(user: QemuUser | null, ways: readonly (readonly PathPart[])[]): Finding {
  const it = about('qemu-user', 'QEMU user', 'QEMU has to reach disks, kernels and consoles as this user.');
  if (user === null) return it.ok('QEMU runs as root');
  // libvirt gives the files themselves to QEMU's user before a start; the folders on the way it leaves alone.
  const stops = ways.flatMap(
    way =>
      stopsAt(
        way.filter(({ folder }) => folder),
        user,
      ) ?? [],
  );
  const [first] = stops;
  if (first === undefined)
    return it.ok(`${user.name} may pass through to the state folder and the lab's files`);
  const paths = [...new Set(stops.map(({ path }) => path))];
  return it.fault(
    `${user.name} may not pass through ${paths.join(', ')}`,
    paths.map(path => `chmod o+x ${path}`).join('\n'),
  );
}

export interface Confinement {
  readonly apparmor: boolean;
  readonly selinux: 'off' | 'permissive' | 'enforcing';
  /** `security_driver` of qemu.conf; null where libvirt chooses. */
  readonly driver: string | null;
  readonly stateDir: string;
}

export function judgeConfinement({ apparmor, selinux, driver, stateDir }: Confinement): Finding {
  const it = about(
    'confinement',
    'confinement',
    'AppArmor and SELinux may keep a guest from files outside of its own folders.',
  );
  if (driver === 'none') return it.ok('turned off for guests (security_driver = "none")');
  if (selinux === 'enforcing')
    return it.warning(
      `SELinux enforces; ${stateDir} needs a label that guests may use`,
      `semanage fcontext -a -t virt_image_t '${stateDir}(/.*)?'\nrestorecon -R ${stateDir}`,
    );
  if (apparmor)
    return stateDir.startsWith('/home/') || stateDir.startsWith('/root/')
      ? it.warning(
          `AppArmor is on, and may refuse guests what lies in ${stateDir}`,
          `echo '  ${stateDir}/** rwk,' >> /etc/apparmor.d/local/abstractions/libvirt-qemu`,
        )
      : it.ok('AppArmor is on; libvirt lets each guest have the files that its XML names');
  return it.ok(
    selinux === 'permissive' ? 'SELinux only notes what it would refuse' : 'neither AppArmor nor SELinux',
  );
}
