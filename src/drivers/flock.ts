import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { VmnetError } from '../errors.js';

/** flock(2), which Node has not: called in this process, a lock that is free takes no other. */
interface Flock {
  flock(fd: number, operation: number): number;
  errno(): number;
}

const LOCK_EX = 2;
const LOCK_NB = 4;

let native: Flock | undefined;

function load(): Flock {
  const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
  const flock = koffi.load(null).func('int flock(int, int)') as unknown as Flock['flock'];
  return { flock, errno: () => koffi.errno() };
}

/**
 * Lock an open file for us alone, without waiting; false where somebody else has. The lock belongs to the open file:
 * whoever inherits the descriptor holds it as well.
 */
export function tryLock(fd: number): boolean {
  native ??= load();
  for (;;) {
    if (native.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
    const { EWOULDBLOCK, EINTR } = constants.errno;
    const errno = native.errno();
    if (errno === EWOULDBLOCK) return false;
    if (errno !== EINTR)
      throw new VmnetError('command-failed', `a lock file below /run could not be locked: errno ${errno}`);
  }
}
