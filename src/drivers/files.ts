import { chmod, mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeFile, stateError } from './records.js';
import type { Run } from './run.js';

/** Files that a lab's guests need: consoles and disks. */
export interface Files {
  /** Make a folder that QEMU's user may pass through but not list. */
  makeFolder(path: string): Promise<void>;
  /** The whole text, or null where there is no such file. */
  read(path: string): Promise<string | null>;
  remove(path: string): Promise<void>;
  /** Everything below a folder, by its whole path. */
  list(folder: string): Promise<readonly string[]>;
  /** Remove a folder unless something is in it. */
  removeIfEmpty(path: string): Promise<void>;
  /** A copy-on-write qcow2 over `image`, which stays as it is. */
  makeOverlay(path: string, image: string): Promise<void>;
}

export function makeFiles(run: Run): Files {
  const makeFolder = async (path: string) => {
    try {
      await mkdir(path, { recursive: true, mode: 0o711 });
      await chmod(path, 0o711);
    } catch (error) {
      throw stateError(path, error as NodeJS.ErrnoException);
    }
  };
  return {
    makeFolder,
    read: path => readFile(path, 'utf8').catch(() => null),
    remove: removeFile,
    async list(folder) {
      const names = await readdir(folder, { recursive: true }).catch(() => [] as string[]);
      return names.map(name => join(folder, name));
    },
    removeIfEmpty: path => rmdir(path).catch(() => {}),
    async makeOverlay(path, image) {
      const info = JSON.parse((await run('qemu-img', ['info', '-U', '--output=json', image])).stdout) as {
        format: string;
      };
      await makeFolder(dirname(path));
      await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', image, '-F', info.format, path]);
    },
  };
}
