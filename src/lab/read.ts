import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, unreadableLab } from './error.js';
import type { Problem } from './problem.js';
import { printable } from './quote.js';

/** A lab with 1023 VMs is about 150 KiB. */
const LARGEST = 1024 * 1024;

/** Milliseconds that a pipe may be silent: what generates a lab may be slow, but nobody waits for ever. */
const PATIENCE = 10_000;

/**
 * The text of a lab file, or the place of the byte that is not UTF-8. Pipes work too, so that labs can be generated.
 * @throws {LabError} if it cannot be read, is a folder, is larger than 1 MiB, or is a pipe that stays silent
 */
export async function readLabText(path: string): Promise<{ text: string } | { problem: Problem }> {
  const handle = await openLab(path);
  try {
    const bytes = await readLimited(handle, path);
    return decode(bytes);
  } finally {
    await handle.close();
  }
}

const REASONS: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  ENOENT: ['does not exist', 'check the path, or write a starter lab with "vmnet init"'],
  ENOTDIR: ['does not exist', 'check the path: a part of it is not a folder'],
  EACCES: ['cannot be read by this user', 'make it readable, or run vmnet as a user who may read it'],
  EISDIR: ['is a folder', 'name the lab file inside it'],
  ELOOP: ['is a symbolic link that leads in a circle', 'name the file itself'],
  ENAMETOOLONG: ['has a name that is too long', 'check the path'],
  ENXIO: ['is a socket, or a device that is not there', 'name a plain file or a pipe'],
};

async function openLab(path: string): Promise<FileHandle> {
  try {
    // Neither a pipe without a writer nor a silent terminal may hold us, nor a terminal become ours.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): LabError {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  if (path === '-')
    return unreadableLab(path, 'does not exist', 'name /dev/stdin to read standard input', error);
  const [reason, hint] = REASONS[code] ?? [`cannot be read: ${printable(message)}`, 'check the path'];
  return unreadableLab(path, reason, hint, error);
}

async function readLimited(handle: FileHandle, path: string): Promise<Buffer> {
  const bytes = Buffer.alloc(LARGEST + 1);
  let length = 0;
  try {
    const isPipe = (await handle.stat()).isFIFO();
    let heard = performance.now();
    while (length <= LARGEST) {
      const count = await readSome(handle, bytes, length);
      // A named pipe ends before it has begun, as long as nobody has opened its other end.
      if (count === 0 && !(isPipe && length === 0)) break;
      length += count ?? 0;
      if (count) heard = performance.now();
      else if (performance.now() - heard > PATIENCE) throw silent(path, length);
      else await sleep(10);
    }
  } catch (error) {
    throw error instanceof LabError ? error : unreadable(path, error);
  }
  if (length <= LARGEST) return bytes.subarray(0, length);
  throw unreadableLab(
    path,
    'is larger than 1 MiB',
    'a lab with a thousand VMs is a fifth of that: check that this is the right file',
  );
}

/** How many bytes came: 0 at the end, null where there are none yet. */
async function readSome(handle: FileHandle, bytes: Buffer, offset: number): Promise<number | null> {
  try {
    return (await handle.read(bytes, offset, bytes.length - offset)).bytesRead;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

const silent = (path: string, length: number) =>
  unreadableLab(
    path,
    `is no plain file, and ${length === 0 ? 'nothing' : 'no end of it'} came in ${PATIENCE / 1000} seconds`,
    'start what writes to it and let that end, or name a plain file',
  );

function decode(bytes: Buffer): { text: string } | { problem: Problem } {
  try {
    return { text: decoder().decode(bytes) };
  } catch {
    return { problem: badByte(bytes) };
  }
}

const decoder = () => new TextDecoder('utf-8', { fatal: true });

function badByte(bytes: Buffer): Problem {
  const good = goodStart(bytes);
  const lines = good.split(/\r\n|\n|\r/);
  const utf16 = bytes[0] === 0xff || bytes[0] === 0xfe;
  return {
    path: '',
    where: '',
    line: lines.length,
    column: (lines.at(-1) ?? '').length + 1,
    message: utf16 ? 'the file is not UTF-8; it looks like UTF-16' : 'this byte is not UTF-8',
    fix: 'save the file as UTF-8',
  };
}

/** The longest start that is UTF-8, by halving: the decoder does not say where it stopped. */
function goodStart(bytes: Buffer): string {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (startOf(bytes, middle) === null) bad = middle;
    else good = middle;
  }
  return startOf(bytes, good) ?? '';
}

function startOf(bytes: Buffer, length: number): string | null {
  try {
    return decoder().decode(bytes.subarray(0, length), { stream: true });
  } catch {
    return null;
  }
}

/** Why a file that a lab names cannot be used, or null: for {@link parseLab}. */
export function checkFile(path: string): string | null {
  try {
    if (statSync(path).isDirectory()) return 'is a folder';
    accessSync(path, constants.R_OK);
    return null;
  } catch (error) {
    const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
    return REASONS[code]?.[0] ?? `cannot be read: ${printable(message)}`;
  }
}

/** The text of a small file that a lab names, or why there is none. Never waits: only plain files are read. */
export function readSmallFile(path: string): { text: string } | { trouble: string } {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return { trouble: 'is no plain file' };
    if (stats.size > LARGEST) return { trouble: 'is larger than 1 MiB' };
    return { text: decoder().decode(readFileSync(path)) };
  } catch (error) {
    if (error instanceof TypeError) return { trouble: 'is not UTF-8' };
    return { trouble: checkFile(path) ?? 'cannot be read' };
  }
}
