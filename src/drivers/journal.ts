import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stateError } from './records.js';

/** What is under way for a lab: one document written when it begins, and one synced line for each batch. */
export interface Journals {
  /** Written and synced, file and folder, before anything is changed. */
  begin(lab: string, entry: unknown): Promise<void>;
  /** Append a word and sync it, before what it speaks of is done. */
  mark(lab: string, word: string): Promise<void>;
  /** Null where nothing is under way. */
  read(lab: string): Promise<{ readonly entry: unknown; readonly words: readonly string[] } | null>;
  /** Labs with something under way. */
  labs(): Promise<readonly string[]>;
  /** It ended well, or was undone. */
  end(lab: string): Promise<void>;
}

export function makeJournals(stateDir: string): Journals {
  const folder = (lab: string) => join(stateDir, 'labs', lab);
  const entryFile = (lab: string) => join(folder(lab), 'pending.json');
  const wordsFile = (lab: string) => join(folder(lab), 'pending.log');
  return {
    async begin(lab, entry) {
      try {
        await mkdir(folder(lab), { recursive: true, mode: 0o700 });
        // The words of an earlier run must be gone before the entry that they would be taken for.
        await append(wordsFile(lab), '', 'w');
        await append(entryFile(lab), JSON.stringify(entry), 'w');
        await syncFolder(folder(lab));
      } catch (error) {
        throw stateError(folder(lab), error as NodeJS.ErrnoException);
      }
    },
    async mark(lab, word) {
      // Never created here: a word about a run that has ended must not come back as a file.
      await append(wordsFile(lab), `${word}\n`, constants.O_APPEND | constants.O_WRONLY).catch(error => {
        throw stateError(wordsFile(lab), error as NodeJS.ErrnoException);
      });
    },
    async read(lab) {
      const text = await readFile(entryFile(lab), 'utf8').catch(() => null);
      const entry = text === null ? null : parsed(text);
      if (entry === null) return null;
      const words = await readFile(wordsFile(lab), 'utf8').catch(() => '');
      return { entry, words: words.split('\n').filter(Boolean) };
    },
    async labs() {
      const names = await readdir(join(stateDir, 'labs')).catch(() => [] as string[]);
      const pending = await Promise.all(
        names.map(name =>
          stat(entryFile(name)).then(
            () => true,
            () => false,
          ),
        ),
      );
      return names.filter((_, i) => pending[i]);
    },
    async end(lab) {
      await rm(entryFile(lab), { force: true });
      await rm(wordsFile(lab), { force: true });
    },
  };
}

/** An entry that a power cut left half-written was never acted upon. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function append(file: string, text: string, flags: 'w' | number): Promise<void> {
  const handle = await open(file, flags, 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}
