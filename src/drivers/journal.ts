import { constants } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile, stateError } from './records.js';
import { syncFolder, writeSynced } from './synced.js';

/** What is under way for a lab: one document written when it begins, and one synced line for each batch. */
export interface Journals {
  /** Written and synced, file and folder, before anything is changed. */
  begin(lab: string, entry: unknown): Promise<void>;
  /** Append a word and sync it, before what it speaks of is done. */
  mark(lab: string, word: string): Promise<void>;
  /** Null where nothing is under way. */
  read(lab: string): Promise<{ readonly entry: unknown; readonly words: readonly string[] } | null>;
  /** The words alone, which is all that a watcher needs: the document of a large lab is large. */
  words(lab: string): Promise<readonly string[] | null>;
  /** Labs with something under way, or with what is left of it: their folders hold more or less than a record. */
  labs(): Promise<readonly string[]>;
  /** It ended well, or was undone. */
  end(lab: string): Promise<void>;
}

export function makeJournals(stateDir: string): Journals {
  const folder = (lab: string) => join(stateDir, 'labs', lab);
  const entryFile = (lab: string) => join(folder(lab), 'pending.json');
  const wordsFile = (lab: string) => join(folder(lab), 'pending.log');
  const isPending = (lab: string) =>
    stat(entryFile(lab)).then(
      () => true,
      () => false,
    );
  const readWords = async (lab: string) =>
    (await readFile(wordsFile(lab), 'utf8').catch(() => '')).split('\n').filter(Boolean);
  return {
    async begin(lab, entry) {
      try {
        await mkdir(folder(lab), { recursive: true, mode: 0o700 });
        // The words of an earlier run must be gone before the entry that they would be taken for.
        await writeSynced(wordsFile(lab), '', 'w');
        await writeSynced(entryFile(lab), JSON.stringify(entry), 'w');
        await syncFolder(folder(lab));
      } catch (error) {
        throw stateError(folder(lab), error as NodeJS.ErrnoException);
      }
    },
    async mark(lab, word) {
      // Never created here: a word about a run that has ended must not come back as a file.
      await writeSynced(wordsFile(lab), `${word}\n`, constants.O_APPEND | constants.O_WRONLY).catch(error => {
        throw stateError(wordsFile(lab), error as NodeJS.ErrnoException);
      });
    },
    async read(lab) {
      const text = await readFile(entryFile(lab), 'utf8').catch(() => null);
      const entry = text === null ? null : parsed(text);
      return entry === null ? null : { entry, words: await readWords(lab) };
    },
    words: async lab => ((await isPending(lab)) ? readWords(lab) : null),
    async labs() {
      const names = await readdir(join(stateDir, 'labs')).catch(() => [] as string[]);
      const files = await Promise.all(names.map(name => readdir(folder(name)).catch(() => ['record.json'])));
      return names.filter((_, i) => files[i]?.join() !== 'record.json');
    },
    async end(lab) {
      await removeFile(entryFile(lab));
      await removeFile(wordsFile(lab));
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
