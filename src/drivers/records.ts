import { mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VmnetError } from '../errors.js';
import { syncFolder, writeSynced } from './synced.js';

/** One small JSON file a lab in the state folder, root-only, replaced whole. */
export interface Records {
  /** Every record, by name; what they hold is for host/ to say. */
  all(): Promise<readonly StoredRecord[]>;
  save(record: StoredRecord): Promise<void>;
  /** The record first, and then all that lies beside it. */
  remove(name: string): Promise<void>;
  /** Remove what runs that were killed were about to put in the record's place; and a folder without anything. */
  sweep(name: string): Promise<void>;
}

export interface StoredRecord {
  readonly name: string;
}

export function makeRecords(stateDir: string): Records {
  const labs = join(stateDir, 'labs');
  const folder = (name: string) => join(labs, name);
  const known: Known = new Map();
  return {
    async all() {
      const names = await readdir(labs).catch(ignoreAbsent);
      const found = await Promise.all(
        names.sort().map(name => readRecord(join(folder(name), 'record.json'), known)),
      );
      return found.filter(record => record !== null);
    },
    async save(record) {
      try {
        await mkdir(folder(record.name), { recursive: true, mode: 0o700 });
        await replaceFile(join(folder(record.name), 'record.json'), `${JSON.stringify(record, null, 2)}\n`);
      } catch (error) {
        throw stateError(folder(record.name), error as NodeJS.ErrnoException);
      }
    },
    async remove(name) {
      await removeFile(join(folder(name), 'record.json'));
      await removeFile(folder(name));
    },
    async sweep(name) {
      const files = await readdir(folder(name)).catch(() => [] as string[]);
      for (const file of files)
        if (/^record\.json\.\d+$/.test(file)) await removeFile(join(folder(name), file));
      await rmdir(folder(name)).catch(() => {}); // not empty, or gone
    },
  };
}

/** What was last read from each file: a run asks several times, and that of a large lab takes milliseconds to parse. */
type Known = Map<string, { readonly text: string; readonly record: StoredRecord }>;

async function readRecord(file: string, known: Known): Promise<StoredRecord | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw stateError(file, error);
  });
  if (text === null) return null;
  const before = known.get(file);
  if (before?.text === text) return before.record;
  const record = parsed(text);
  if (record === null) {
    throw new VmnetError(
      'state',
      `${file} is damaged: it holds no record of a lab`,
      'Move it away; vmnet destroy LAB then goes by the marks on the links.',
    );
  }
  known.set(file, { text, record });
  return record;
}

/** Null unless the text is a record of a version that we wrote. */
function parsed(text: string): StoredRecord | null {
  try {
    const value = JSON.parse(text);
    return value?.version === 1 &&
      typeof value.name === 'string' &&
      isObject(value.lab) &&
      isObject(value.uplinks)
      ? value
      : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

/** A file, or a folder with all that is in it; twice is no error. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(error => {
    throw stateError(path, error);
  });
}

/** Write beside, sync, rename, sync the folder: after a power cut there is the old or the new file, never half. */
async function replaceFile(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await writeSynced(beside, text, 'w');
  await rename(beside, file);
  await syncFolder(join(file, '..'));
}

function ignoreAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw stateError(error.path ?? 'the state folder', error);
}

/** Any fault of the state folder as an error that names it. */
export function stateError(path: string, error: NodeJS.ErrnoException): VmnetError {
  const hint =
    error.code === 'EACCES' || error.code === 'EPERM'
      ? 'Run vmnet as root (sudo), or point VMNET_STATE_DIR at a folder of your own.'
      : 'Make room or make the folder writable, or point VMNET_STATE_DIR elsewhere.';
  return new VmnetError('state', `the state in ${path} cannot be used: ${error.message}`, hint, error);
}
