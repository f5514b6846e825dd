import { access, constants, open, readdir, readFile, readlink, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Looks at devices, folders and processes that change nothing. */
export interface Inspect {
  /** Numbers of the capabilities that we hold in effect, as in linux/capability.h. */
  capabilities(): Promise<ReadonlySet<number>>;
  /** Open a device for reading and writing, and close it again. */
  device(path: string): Promise<OpenedDevice>;
  /** Where a symbolic link points to; null where there is none. */
  link(path: string): Promise<string | null>;
  /** The whole text, or the code of the error that kept it from us: `ENOENT`, `EACCES`, … */
  text(path: string): Promise<{ readonly text: string } | { readonly error: string }>;
  /** Code of the error that keeps us from writing to the nearest folder that is there; null where we may. */
  writable(path: string): Promise<string | null>;
  /** Bytes that are free in the file system of the nearest folder that is there. */
  freeBytes(path: string): Promise<number>;
  /** The folders on the way to a file and the file itself, up to the first that is not there. */
  way(path: string): Promise<readonly PathPart[]>;
  /** Ids of the processes with one of these names (`comm`, at most 15 characters). */
  processes(names: readonly string[]): Promise<readonly number[]>;
}

export interface OpenedDevice {
  /** `ENOENT`, `EACCES`, …; null where it opened. */
  readonly error: string | null;
  /** Major and minor number; null where it could not be looked at, or is no device. */
  readonly number: readonly [major: number, minor: number] | null;
}

export interface PathPart {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
  readonly folder: boolean;
}

export function makeInspect(): Inspect {
  return {
    async capabilities() {
      return capabilitiesIn(await readFile('/proc/self/status', 'utf8'));
    },
    async device(path) {
      const found = await stat(path).catch(() => null);
      const number = found?.isCharacterDevice() ? deviceNumber(found.rdev) : null;
      const error = await open(path, constants.O_RDWR | constants.O_NONBLOCK).then(
        file => file.close().then(() => null),
        codeOf,
      );
      return { error, number };
    },
    link: path => readlink(path).catch(() => null),
    text: path =>
      readFile(path, 'utf8').then(
        text => ({ text }),
        error => ({ error: codeOf(error) }),
      ),
    async writable(path) {
      return access(await nearest(path), constants.W_OK).then(() => null, codeOf);
    },
    async freeBytes(path) {
      const { bavail, bsize } = await statfs(await nearest(path));
      return bavail * bsize;
    },
    async way(path) {
      const parts: PathPart[] = [];
      for (const place of ancestors(path)) {
        const found = await stat(place).catch(() => null);
        if (found === null) break;
        const { uid, gid, mode } = found;
        parts.push({ path: place, uid, gid, mode: mode & 0o7777, folder: found.isDirectory() });
      }
      return parts;
    },
    async processes(names) {
      const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
      const comms = await Promise.all(
        pids.map(pid => readFile(join('/proc', pid, 'comm'), 'utf8').catch(() => '')),
      );
      return pids.filter((_, i) => names.includes(comms[i]?.trim() ?? '')).map(Number);
    },
  };
}

/** From `/proc/PID/status`. */
export function capabilitiesIn(status: string): ReadonlySet<number> {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return new Set(Array.from({ length: 64 }, (_, n) => n).filter(n => (bits >> BigInt(n)) & 1n));
}

/** Linux's encoding of a device number in 64 bits. */
export const deviceNumber = (rdev: number): [number, number] => [
  (rdev >>> 8) & 0xfff,
  (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
];

/** `/a/b` as `/`, `/a`, `/a/b`. */
export function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...ancestors(parent), path];
}

async function nearest(path: string): Promise<string> {
  for (const place of ancestors(path).reverse()) if (await stat(place).catch(() => null)) return place;
  return '/';
}

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.message;
