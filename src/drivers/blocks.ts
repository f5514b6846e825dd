import { randomBytes } from 'node:crypto';
import { chown, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VmnetError } from '../errors.js';
import type { Run } from './run.js';
import { syncFolder } from './synced.js';

/** Marked blocks of ours in text files of others, such as /etc/hosts. */
export interface Blocks {
  /**
   * Put a block into a file, or another in its place; all else stays, byte for byte, and so do mode, owner and links to it.
   * Throws `state` or `conflict`.
   * @param lines ASCII, without line breaks
   * @param make for a file that is not there
   */
  write(path: string, name: string, lines: readonly string[], make: NewFile): Promise<void>;
  /** Take it out. False where there was none. With `made`, the file goes as well once it is empty. */
  remove(path: string, name: string, made: boolean): Promise<boolean>;
  /** Is there such a file? */
  exists(path: string): Promise<boolean>;
}

export interface NewFile {
  readonly mode: number;
  /** null leaves it ours. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/** Why a text cannot be changed, by line from 1. */
export class BlockFault extends Error {}

const begin = (name: string) => `# BEGIN vmnet ${name}`;
const end = (name: string) => `# END vmnet ${name}`;
/** The text before the block had no line break at its end, which it gets back. */
const CUT = ' (the line above ended without a line break)';
const EXPLAINED = '# Written by vmnet, and replaced by it: changes in here are lost.';

interface Span {
  /** Where the block begins and ends, in characters; with the line break that it was given. */
  readonly from: number;
  readonly to: number;
  readonly cut: boolean;
}

/** Where the block is; null where it is not. Throws a BlockFault where it has no end, or there are two. */
export function findBlock(text: string, name: string): Span | null {
  const spans: Span[] = [];
  let open: { from: number; cut: boolean; line: number } | null = null;
  let at = 0;
  for (const [i, line] of text.split('\n').entries()) {
    const plain = line.replace(/\r$/, '');
    if (plain === begin(name) || plain === begin(name) + CUT) {
      if (open !== null) throw new BlockFault(`line ${open.line} begins a block that nothing ends`);
      open = { from: at, cut: plain !== begin(name), line: i + 1 };
    } else if (plain === end(name)) {
      if (open === null) throw new BlockFault(`line ${i + 1} ends a block that nothing begins`);
      spans.push({ from: open.from, to: Math.min(at + line.length + 1, text.length), cut: open.cut });
      open = null;
    }
    at += line.length + 1;
  }
  if (open !== null) throw new BlockFault(`line ${open.line} begins a block that nothing ends`);
  if (spans.length > 1) throw new BlockFault(`it has ${spans.length} blocks of ${name}`);
  return spans[0] ?? null;
}

/** Pure: in the block's place, or at the end. */
export function withBlock(text: string, name: string, lines: readonly string[]): string {
  const block = (cut: boolean) =>
    `${[begin(name) + (cut ? CUT : ''), EXPLAINED, ...lines, end(name)].join('\n')}\n`;
  const old = findBlock(text, name);
  if (old !== null) return text.slice(0, old.from) + block(old.cut) + text.slice(old.to);
  const cut = text !== '' && !text.endsWith('\n');
  return `${text}${cut ? '\n' : ''}${block(cut)}`;
}

/** Pure: the inverse of {@link withBlock}. */
export function withoutBlock(text: string, name: string): string {
  const old = findBlock(text, name);
  if (old === null) return text;
  const [before, after] = [text.slice(0, old.from), text.slice(old.to)];
  if (!old.cut) return before + after;
  if (after === '') return before.replace(/\n$/, '');
  // What came later stands on a line of its own; of a block of ours it is now the one to give the end back.
  const next = /^# BEGIN vmnet \S+(?=\n)/.exec(after)?.[0];
  return next === undefined ? before + after : before + next + CUT + after.slice(next.length);
}

export function makeBlocks(run: Run): Blocks {
  return {
    async write(path, name, lines, make) {
      const file = await resolved(path);
      const text = await readIfThere(file);
      const changed = attempt(path, name, () => withBlock(text ?? '', name, lines));
      if (text === null) await create(file, changed, make);
      else if (changed !== text) await replace(file, text, changed, run);
    },
    async remove(path, name, made) {
      const file = await resolved(path);
      const text = await readIfThere(file);
      if (text === null) return false;
      const changed = attempt(path, name, () => withoutBlock(text, name));
      if (changed === text) return false;
      if (made && changed === '') await rm(file).catch(error => refuse(file, error));
      else await replace(file, text, changed, run);
      return true;
    },
    exists: path =>
      stat(path).then(
        () => true,
        () => false,
      ),
  };
}

/** What a link leads to; the path itself where nothing is there yet. */
const resolved = (path: string) => realpath(path).catch(() => path);

/** Each byte as a character, so that what is no UTF-8 stays as well. */
const readIfThere = (file: string): Promise<string | null> =>
  readFile(file, 'latin1').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? null : refuse(file, error),
  );

function attempt(path: string, name: string, change: () => string): string {
  try {
    return change();
  } catch (error) {
    if (!(error instanceof BlockFault)) throw error;
    throw new VmnetError(
      'conflict',
      `the block of ${name} in ${path} is damaged: ${error.message}`,
      `Take out the lines from "${begin(name)}" to "${end(name)}" by hand, and try again.`,
      error,
    );
  }
}

async function create(file: string, text: string, { mode, owner }: NewFile): Promise<void> {
  try {
    await writeFile(file, text, { encoding: 'latin1', mode, flag: 'wx' });
    if (owner !== null) await chown(file, owner.uid, owner.gid);
  } catch (error) {
    refuse(file, error as NodeJS.ErrnoException);
  }
}

/** Whole or not at all: written beside with all attributes of the old one, synced, and renamed over it. */
async function replace(file: string, before: string, text: string, run: Run): Promise<void> {
  const beside = join(dirname(file), `.vmnet-${randomBytes(6).toString('hex')}`);
  try {
    // Mode, owner, ACLs, and labels of SELinux.
    await run('cp', ['--attributes-only', '--preserve=all', '--', file, beside]);
    await writeOver(beside, text);
    if ((await readIfThere(file)) !== before)
      throw new VmnetError('busy', `${file} was changed by somebody else just now`, 'Try again.');
    await rename(beside, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(beside, { force: true });
    // A container's /etc/hosts is a mount of its own, over which nothing can be renamed.
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') refuse(file, error as NodeJS.ErrnoException);
    await writeOver(file, text).catch(failure => refuse(file, failure));
  }
}

async function writeOver(file: string, text: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const bytes = Buffer.from(text, 'latin1');
    await handle.write(bytes, 0, bytes.length, 0);
    await handle.truncate(bytes.length);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function refuse(file: string, error: NodeJS.ErrnoException): never {
  if (error instanceof VmnetError && error.code === 'busy') throw error;
  throw new VmnetError(
    'state',
    `${file} cannot be changed: ${error.message}`,
    'Run vmnet as who may change it (sudo), or name another file.',
    error,
  );
}
