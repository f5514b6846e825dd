import { chmod, realpath, stat, statfs } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { VmnetError } from '../errors.js';
import type { Files } from './files.js';
import { readHeader } from './qcow2.js';
import type { Run } from './run.js';

export type ImageFormat = 'qcow2' | 'raw';

/** An image that may be used, or why not. */
export type ImageState =
  | { readonly fault: null /** Bytes that a guest sees. */; readonly size: number }
  | { readonly fault: string; readonly fix: string };

/** Disk images: those of others, which are looked at only, and the disks of guests. */
export interface Images {
  /** Whether a disk may lie over that image, and over all that lies below it. Throws nothing but `missing-tool`. */
  inspect(image: string, format: ImageFormat): Promise<ImageState>;
  /** A copy-on-write qcow2 over `image`, which stays as it is, for its owner only. Throws `bad-lab`, looking again first. */
  makeOverlay(path: string, overlay: Overlay): Promise<void>;
  /** An empty disk. */
  makeEmpty(path: string, format: ImageFormat, sizeMiB: number): Promise<void>;
  /** Bytes of the file system in which a folder is or will be. */
  space(folder: string): Promise<Space>;
}

export interface Overlay {
  readonly image: string;
  readonly format: ImageFormat;
  /** null takes the image's. */
  readonly sizeMiB: number | null;
}

export interface Space {
  readonly free: number;
  /** What the file system could ever hold. */
  readonly total: number;
}

/** Deeper chains are surely circles, and slow in any case. */
const DEEPEST = 16;

const fault = (fault: string, fix: string) => ({ fault, fix });

/** As far as headers tell. */
const GOOD = { fault: null, size: 0 } as const;

export function makeImages(run: Run, files: Files, stateDir: string): Images {
  const inspect = async (image: string, format: ImageFormat): Promise<ImageState> => {
    const state = await throughHeaders(image, format, stateDir).catch(unreadable);
    // Only what leads nowhere else is given to QEMU's own readers.
    return state.fault === null ? asQemuSees(image, format, run) : state;
  };
  const create = async (path: string, args: readonly string[]) => {
    await files.makeFolder(dirname(path));
    await run('qemu-img', ['create', '-q', ...args]);
    await chmod(path, 0o600);
  };
  return {
    inspect,
    async makeOverlay(path, { image, format, sizeMiB }) {
      const state = await inspect(image, format);
      if (state.fault !== null)
        throw new VmnetError('bad-lab', `the image ${image} ${state.fault}`, state.fix);
      const size = sizeMiB === null ? [] : [`${sizeMiB}M`];
      await create(path, ['-f', 'qcow2', '-b', image, '-F', format, path, ...size]);
    },
    makeEmpty: (path, format, sizeMiB) => create(path, ['-f', format, path, `${sizeMiB}M`]),
    async space(folder) {
      for (let at = folder; ; at = dirname(at)) {
        const found = await statfs(at).catch(() => null);
        if (found === null && at !== dirname(at)) continue;
        if (found === null) return { free: 0, total: 0 };
        return { free: found.bavail * found.bsize, total: found.blocks * found.bsize };
      }
    },
  };
}

function unreadable(error: unknown): ImageState {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return fault(`cannot be read: ${message}`, 'make it readable, or correct the path');
}

/** The chain by the headers alone, from the image down. */
async function throughHeaders(image: string, asked: ImageFormat, stateDir: string): Promise<ImageState> {
  const top = await realpath(image);
  const folder = dirname(top);
  if (isBelow(top, join(stateDir, 'disks')) || isBelow(top, join(stateDir, 'users')))
    return fault('is the disk of a VM itself', 'name an image that no VM writes to, or copy that disk first');
  let path = top;
  let format: string = asked;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const where = depth === 0 ? '' : `has the backing file ${path}, which `;
    const stats = await stat(path);
    if (!stats.isFile() && !stats.isBlockDevice())
      return fault(`${where}is neither a file nor a block device`, 'name a disk image');
    const header = await readHeader(path);
    if (format === 'raw') return rawState(header, where, depth === 0);
    if (header === null || typeof header === 'string') return noQcow2(header, where, path);
    if (header.dataFile)
      return fault(
        `${where}keeps its data in another file`,
        `make one file of it: ${CONVERT} ${path} NEW.qcow2`,
      );
    if (header.encrypted)
      return fault(`${where}is encrypted`, `decrypt it first: ${CONVERT} with its secret`);
    if (header.backingFile === null) return GOOD;
    const next = await backingOf(path, header.backingFile, folder);
    if (typeof next !== 'string') return next;
    if (header.backingFormat !== 'qcow2' && header.backingFormat !== 'raw')
      return fault(
        `${where}${header.backingFormat === null ? 'does not say of what format its backing file is' : `has a backing file of the format ${JSON.stringify(header.backingFormat)}`}`,
        `make one file of it: ${CONVERT} ${path} NEW.qcow2 (or, if it is yours: qemu-img rebase -u -F qcow2 -b ${next} ${path})`,
      );
    path = next;
    format = header.backingFormat;
  }
  return fault(
    `has more than ${DEEPEST} backing files, or a circle of them`,
    `make one file of it: ${CONVERT}`,
  );
}

const CONVERT = 'qemu-img convert -O qcow2';

function rawState(header: unknown, where: string, isTop: boolean): ImageState {
  if (header !== null && typeof header === 'object')
    return fault(
      `${where}is called raw, but is qcow2`,
      isTop ? 'leave "format" out' : 'rebase it with its true format',
    );
  return GOOD;
}

function noQcow2(format: string | null, where: string, path: string): ImageState {
  if (format === null)
    return fault(
      `${where}is no qcow2 image`,
      'name a disk image; if it is a raw one, say so with "format": "raw"',
    );
  const unpack: Readonly<Record<string, string>> = { gzip: 'gunzip', xz: 'unxz', zstd: 'unzstd' };
  return unpack[format]
    ? fault(`${where}is compressed with ${format}`, `unpack it first: ${unpack[format]} ${path}`)
    : fault(`${where}is of the format ${format}`, `convert it: ${CONVERT} ${path} NEW.qcow2`);
}

/** The path of a backing file, which may lie beside the image or below it, and is no link that leads elsewhere. */
async function backingOf(path: string, written: string, folder: string): Promise<string | ImageState> {
  const shown = JSON.stringify(written.slice(0, 200));
  // As QEMU tells: a colon before the first slash. `json:` and `nbd:` are such.
  if (/^[^/]*:/.test(written))
    return fault(
      `has the backing file ${shown}, which is no path`,
      `do not use it unless you know who made it; then make one file of it: ${CONVERT}`,
    );
  const found = resolve(dirname(path), written);
  const real = await realpath(found).catch(() => null);
  if (real === null)
    return fault(`has the backing file ${shown}, which does not exist`, 'put it there, beside the image');
  return isBelow(real, folder)
    ? real
    : fault(
        `has the backing file ${real}, outside its own folder ${folder}`,
        'do not use it unless you know who made it; then put both into one folder and rebase: qemu-img rebase -u',
      );
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}

/** Damage, and a program that writes to it, are for QEMU to tell: it takes the image's lock. */
async function asQemuSees(image: string, format: ImageFormat, run: Run): Promise<ImageState> {
  const info = await run('qemu-img', ['info', '--backing-chain', '--output=json', '-f', format, image], {
    allowFailure: true,
  });
  if (info.exitCode !== 0) return complaint(info.stderr);
  const chain = JSON.parse(info.stdout) as { filename: string; format: string; 'virtual-size': number }[];
  for (const { filename } of chain.filter(({ format }) => format === 'qcow2')) {
    const check = await run('qemu-img', ['check', '-f', 'qcow2', '--output=json', filename], {
      allowFailure: true,
    });
    // 3: clusters that nobody uses, which harm nobody.
    if (check.exitCode !== 0 && check.exitCode !== 3) return complaint(check.stderr);
  }
  return { fault: null, size: chain[0]?.['virtual-size'] ?? 0 };
}

const complaint = (stderr: string) =>
  /\block\b/.test(stderr)
    ? fault(
        'is being written to by another program, a VM perhaps',
        'end that first: an image under a disk of vmnet must stay as it is',
      )
    : fault(
        `is damaged, or not all of it is there: ${stderr.trim().split('\n')[0]}`,
        'fetch it again, and compare its checksum',
      );
