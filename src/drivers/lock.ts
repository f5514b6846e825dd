import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open as openFile, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { VmnetError } from '../errors.js';
import { tryLock } from './flock.js';
import type { Run } from './run.js';

/** Locks that die with their holder: flock(2) on a descriptor, so the kernel frees them however we end. */
export interface Locks {
  /**
   * Take all of them, in an order that cannot deadlock; `what` says for whom, to those who wait.
   * @param wait called with the holder's own words when one is taken; without it, throws `busy` instead
   */
  take(names: readonly string[], what: string, wait: ((holder: string) => void) | null): Promise<Held>;
  /** Names of the locks held now. */
  names(): readonly string[];
  /** Descriptors of the locks held now; a batch inherits them, so that it holds the lock while it runs. */
  descriptors(): readonly number[];
  /**
   * Remove the files of holders that were killed, in whichever network namespace: the kernel freed their locks, but
   * leaves the files.
   */
  sweep(): Promise<void>;
}

export interface Held {
  release(): void;
}

/** Seconds to wait for another run; a provision with many guests takes minutes. */
const WAIT = 600;

export function makeLocks(run: Run, folder: () => Promise<string>): Locks {
  const held = new Map<string, number>();
  const release = (paths: readonly string[]) => {
    for (const path of paths) {
      const fd = held.get(path);
      held.delete(path);
      if (fd === undefined) continue;
      // While it is still locked: whoever waits on this file sees that it is no longer the one of that name.
      rmSync(path, { force: true });
      closeSync(fd);
    }
  };
  const removeFolders = (root: string) => {
    for (const folder of [root, join(root, '..'), join(root, '../..')]) removeIfEmpty(folder);
  };
  return {
    async take(names, what, wait) {
      const root = await folder();
      const taken: string[] = [];
      try {
        for (const name of [...new Set(names)].sort()) {
          const path = join(root, name);
          held.set(path, await lockFile(path, name, what, wait, run));
          taken.push(path);
        }
      } catch (error) {
        release(taken);
        throw error;
      }
      return {
        release() {
          release(taken);
          removeFolders(root);
        },
      };
    },
    names: () => [...held.keys()].map(path => basename(path)),
    descriptors: () => [...held.values()],
    async sweep() {
      const root = await folder();
      for (const path of await within(root)) if (!held.has(path)) await removeUnlessHeld(path);
      await sweepOthers(root);
      removeFolders(root);
    },
  };
}

const within = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).map(name => join(folder, name));

/** Milliseconds; a younger file may be one that its owner is about to lock. */
const OLD = 3_600_000;

/**
 * Folders of other network namespaces. Nobody can tell whether one of them is gone, as a mount or a socket keeps it
 * alive without any process in it; nobody has to, for a lock that is not held is nobody's.
 */
async function sweepOthers(root: string): Promise<void> {
  for (const folder of await within(dirname(root))) {
    if (folder === root) continue;
    for (const path of await within(folder)) {
      const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
      if (written < Date.now() - OLD) await removeUnlessHeld(path);
    }
    removeIfEmpty(folder);
  }
}

async function removeUnlessHeld(path: string): Promise<void> {
  const file = await openFile(path, 'r').catch(() => null);
  if (file === null) return;
  try {
    // As in release: only who has locked a file may remove it.
    if (tryLock(file.fd) && isStill(path, file.fd)) rmSync(path, { force: true });
  } finally {
    await file.close();
  }
}

/** Open and lock; again from the start where the holder before us has removed the file meanwhile. */
async function lockFile(
  path: string,
  name: string,
  what: string,
  wait: ((holder: string) => void) | null,
  run: Run,
): Promise<number> {
  for (;;) {
    const fd = open(path);
    if (fd === null) continue;
    try {
      if (!tryLock(fd)) {
        const holder = readFileSync(fd, 'utf8').trim() || 'another run';
        if (wait === null) throw busy(name, holder);
        wait(holder);
        if (!(await waitToLock(fd, run))) throw busy(name, holder);
      }
      if (isStill(path, fd)) {
        writeFileSync(path, `${what} (process ${process.pid})\n`);
        return fd;
      }
      closeSync(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }
}

/** Null where the holder before us removed the empty folder in this very moment. */
function open(path: string): number | null {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** By flock(1), for {@link WAIT} at most. The lock belongs to the open file, which it shares with us: it stays when that program ends. */
async function waitToLock(fd: number, run: Run): Promise<boolean> {
  const { exitCode } = await run('flock', ['--timeout', String(WAIT), '3'], {
    allowFailure: true,
    keepOpen: [fd],
    timeoutMs: (WAIT + 10) * 1000,
  });
  return exitCode === 0;
}

/** Others may be using it. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not empty, or gone
  }
}

function isStill(path: string, fd: number): boolean {
  try {
    return statSync(path).ino === fstatSync(fd).ino;
  } catch {
    return false;
  }
}

const busy = (name: string, holder: string) =>
  new VmnetError(
    'busy',
    `${name.replace('-', ' ')} is in use by ${holder}`,
    'Wait until it has ended, or end it, and try again.',
  );
