import { constants } from 'node:fs';
import { access, chmod, copyFile, mkdir, open, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { VmnetError } from '../errors.js';
import { removeFile, stateError } from './records.js';

/** Files that a lab's guests need: consoles and disks. */
export interface Files {
  /** Make a folder that QEMU's user may pass through but not list. */
  makeFolder(path: string): Promise<void>;
  /** An empty file that this user alone may read and write, in a folder that is not that user's. Throws `state`. */
  makeEmptyFor(path: string, uid: number): Promise<void>;
  /** Give a file to a user, who alone may read and write it then. Throws `state`. */
  give(path: string, uid: number): Promise<void>;
  /** Make a folder of the user's, unless it is there; returns its absolute path. Throws `usage`. */
  makePlace(path: string): Promise<string>;
  /** The whole text, or null where there is no such file. */
  read(path: string): Promise<string | null>;
  /** A text that others may read, in a folder that is made where it is missing. Throws `state`. */
  write(path: string, text: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Everything below a folder, by its whole path. */
  list(folder: string): Promise<readonly string[]>;
  /** Remove a folder unless something is in it. */
  removeIfEmpty(path: string): Promise<void>;
}

export function makeFiles(): Files {
  const makeFolder = async (path: string) => {
    try {
      const first = await mkdir(path, { recursive: true, mode: 0o711 });
      // Whatever the umask is, and on the whole way that was made.
      for (let at = path; ; at = dirname(at)) {
        await chmod(at, 0o711);
        if (first === undefined || at === first) break;
      }
    } catch (error) {
      throw stateError(path, error as NodeJS.ErrnoException);
    }
  };
  const give = async (path: string, uid: number, flags: number) => {
    try {
      const file = await open(path, flags | constants.O_NOFOLLOW, 0o600);
      try {
        await file.chmod(0o600);
        await file.chown(uid, 0);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw stateError(path, error as NodeJS.ErrnoException);
    }
  };
  return {
    makeFolder,
    makeEmptyFor: (path, uid) => give(path, uid, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC),
    give: (path, uid) => give(path, uid, constants.O_RDONLY),
    async makePlace(path) {
      try {
        await mkdir(path, { recursive: true });
        await access(path, constants.W_OK);
      } catch (error) {
        throw notWritable(path, error as Error);
      }
      return resolve(path);
    },
    read: path => readFile(path, 'utf8').catch(() => null),
    async write(path, text) {
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o755 });
        await writeFile(path, text, { mode: 0o644 });
      } catch (error) {
        throw stateError(path, error as NodeJS.ErrnoException);
      }
    },
    copy: (from, to) => copyFile(from, to),
    remove: removeFile,
    async list(folder) {
      const names = await readdir(folder, { recursive: true }).catch(() => [] as string[]);
      return names.map(name => join(folder, name));
    },
    removeIfEmpty: path => rmdir(path).catch(() => {}),
  };
}

/** A place that the user named. */
export const notWritable = (path: string, error: Error) =>
  new VmnetError(
    'usage',
    `${path} cannot be written: ${error.message}`,
    'Name a folder that you may write to.',
    error,
  );
