/** What went wrong, as a stable word for programs. The exit code follows from it, see {@link EXIT}. */
export type ErrorCode =
  | 'usage' // the command line is wrong
  | 'bad-lab' // the lab file is wrong, or does not fit this host
  | 'conflict' // something on the host is in the way and is not ours
  | 'permission' // the caller may not do this
  | 'missing-tool' // a program or a kernel feature is not there
  | 'command-failed' // a program that we ran failed
  | 'libvirt' // libvirt refused, or cannot be reached
  | 'guest-died' // a guest stopped before it was up
  | 'timeout' // something did not happen in time
  | 'busy' // somebody else holds the lock
  | 'state' // our own state folder cannot be read or written
  | 'check-failed' // a health check or the path proof failed
  | 'not-restored' // the host is not as it was found
  | 'interrupted'; // the user pressed Ctrl-C, or we were told to stop

/** Exit code of each error: 1 failed and restored, 2 bad input, 3 a check failed, 4 not restored, 130 interrupted. */
export const EXIT: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  'bad-lab': 2,
  conflict: 1,
  permission: 1,
  'missing-tool': 1,
  'command-failed': 1,
  libvirt: 1,
  'guest-died': 1,
  timeout: 1,
  busy: 1,
  state: 1,
  'check-failed': 3,
  'not-restored': 4,
  interrupted: 130,
};

/** Exit code of anything that is not a {@link VmnetError}: a bug of ours. */
export const EXIT_BUG = 70;

/** A failure that we foresaw: the message names the object, the hint names the next step. */
export class VmnetError extends Error {
  override readonly name = 'VmnetError';
  readonly code: ErrorCode;
  /** What the user can do about it; one or two sentences, or one line a problem. */
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, hint: string | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
  }
}

/** The exit code that a thrown value leads to. */
export function exitCodeOf(error: unknown): number {
  return error instanceof VmnetError ? EXIT[error.code] : EXIT_BUG;
}
