import { constants } from 'node:os';
import { VmnetError } from '../../errors.js';
import { isSession, socketIn, startHint, uidIn } from '../libvirt-user.js';
import { ERROR_CODES, errorCodeName } from './codes.js';
import type { Failure, NativeFailure } from './protocol.js';

/** libvirt refused a call, or cannot be reached. */
export class LibvirtError extends VmnetError {
  /** virErrorNumber; compare it with {@link ERROR_CODES}. */
  readonly libvirtCode: number;
  /** virErrorDomain: the part of libvirt that raised it. */
  readonly domain: number;
  /** virErrorLevel: 1 warning, 2 error. */
  readonly level: number;

  constructor(message: string, hint: string | null, { code, domain, level }: Omit<NativeFailure, 'message'>) {
    super('libvirt', message, hint);
    this.libvirtCode = code;
    this.domain = domain;
    this.level = level;
  }

  /** As in 'NO_DOMAIN'. */
  get libvirtName(): string {
    return errorCodeName(this.libvirtCode);
  }
}

/** What a call was about, for its errors. */
export interface Subject {
  uri: string;
  /** Fits after "cannot", as in 'start domain c0ffee…'. */
  what: string;
}

/** Longest quote of libvirt's own words, in characters: an XML error may quote the whole document. */
const QUOTE_LIMIT = 500;

export function toError(failure: Failure, { uri, what }: Subject): Error {
  if (failure.kind === 'no-library') return libraryError(failure.message);
  if (failure.kind === 'bug') return new Error(`cannot ${what}: ${failure.message}`);
  const { error } = failure;
  if (failure.during === 'call') {
    return new LibvirtError(`cannot ${what}: ${quote(error.message)}`, callHint(error, uri), error);
  }
  return new LibvirtError(
    `cannot connect to libvirt at ${uri}: ${quote(error.message)}`,
    connectHint(error, uri),
    error,
  );
}

export function timeoutError({ uri, what }: Subject, deadlineMs: number): VmnetError {
  return new VmnetError(
    'timeout',
    `cannot ${what}: libvirt at ${uri} did not answer within ${deadlineMs / 1000} s`,
    'What was asked for may still happen. If `virsh list` hangs too, the daemon does: `systemctl restart libvirtd`; guests go on.',
  );
}

/** Of a call that waited for its turn while the daemon answered nobody. */
export function hungError({ uri, what }: Subject): VmnetError {
  return new VmnetError(
    'timeout',
    `cannot ${what}: libvirt at ${uri} stopped answering`,
    'This call was not sent. If `virsh list` hangs too: `systemctl restart libvirtd`; guests go on.',
  );
}

const libraryError = (message: string) =>
  new VmnetError(
    'missing-tool',
    `cannot load libvirt.so.0: ${quote(message)}`,
    "Install libvirt's client library: `apt install libvirt0`, or the package libvirt-libs elsewhere.",
  );

function quote(message: string): string {
  const text = message.trim();
  return text.length > QUOTE_LIMIT ? `${text.slice(0, QUOTE_LIMIT)}…` : text;
}

/** The drivers that libvirt has had (src/driver.c and the daemon's modules); any other scheme is a slip. */
const SCHEMES = [
  'qemu',
  'test',
  'xen',
  'lxc',
  'ch',
  'bhyve',
  'vz',
  'vbox',
  'openvz',
  'esx',
  'vpx',
  'gsx',
].concat(['hyperv', 'vmwareplayer', 'vmwarews', 'vmwarefusion']);

const { ENOENT, ECONNREFUSED, EACCES, EPERM, EPIPE, ECONNRESET, EIO } = constants.errno;

/** The part of libvirt that talks to the daemon. */
const VIR_FROM_RPC = 7;

/** How it finds a connection broken: while writing, while reading, and by the end of the stream. */
const BROKEN: ReadonlySet<number> = new Set([EPIPE, ECONNRESET, EIO]);

function connectHint({ code, errno }: NativeFailure, uri: string): string | null {
  const scheme = /^([a-z]+)(?:\+[a-z0-9]+)?:/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined || !SCHEMES.includes(scheme)) {
    return 'libvirt has no driver of that name: for QEMU on this host the URI is qemu:///system.';
  }
  if (errno === ENOENT || errno === ECONNREFUSED) {
    if (isSession(uri)) return startHint(uidIn(socketIn(uri) ?? ''));
    return 'The daemon does not run, or listens elsewhere: `systemctl start libvirtd` (or virtqemud), or check the URI.';
  }
  if (errno !== null && BROKEN.has(errno)) {
    return 'Something listens there but hangs up: `systemctl status libvirtd` says why, or check the URI.';
  }
  if (errno === EACCES || errno === EPERM || DENIED.has(code)) {
    return 'Run as root, or as a member of the group libvirt (`usermod -aG libvirt USER`, then log in again).';
  }
  if (code === ERROR_CODES.NO_CONNECT) {
    return scheme === 'qemu'
      ? 'The daemon lacks its QEMU driver: `apt install libvirt-daemon-system qemu-system-x86`, then restart it.'
      : `This libvirt was built without its ${scheme} driver; for QEMU the URI is qemu:///system.`;
  }
  return null;
}

const DENIED: ReadonlySet<number> = new Set([
  ERROR_CODES.AUTH_FAILED,
  ERROR_CODES.AUTH_CANCELLED,
  ERROR_CODES.AUTH_UNAVAILABLE,
  ERROR_CODES.ACCESS_DENIED,
  ERROR_CODES.OPERATION_DENIED,
]);

function callHint({ code, domain, errno }: NativeFailure, uri: string): string | null {
  if (domain === VIR_FROM_RPC && errno !== null && BROKEN.has(errno)) {
    return 'The daemon went away: `systemctl status libvirtd` says why. The next call connects again.';
  }
  if (DENIED.has(code))
    return 'This user may look but not act: run as root, or as a member of the group libvirt.';
  switch (code) {
    case ERROR_CODES.NO_DOMAIN:
      return `It is not defined there, or was removed meanwhile: \`virsh -c '${uri}' list --all\`.`;
    case ERROR_CODES.NO_NETWORK:
      return `See \`virsh -c '${uri}' net-list --all\`.`;
    case ERROR_CODES.OPERATION_INVALID:
      return `The state does not allow it: \`virsh -c '${uri}' list --all\` shows the states.`;
    default:
      return null;
  }
}
