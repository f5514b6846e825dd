import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';

/** A file into which the names of a lab's guests were written. */
export interface NamesFile {
  readonly file: string;
  /** It was not there before. */
  readonly made: boolean;
  /** A file of ssh's that goes with it; null where there is none. */
  readonly knownHosts: string | null;
}

const listOf = (lab: string, stateDir: string) => `${stateDir}/labs/${lab}/names.json`;

/** Written before the files are, so that whatever becomes of us, they are looked at. */
export async function readNames(lab: string, { files, stateDir }: Drivers): Promise<readonly NamesFile[]> {
  const text = await files.read(listOf(lab, stateDir));
  try {
    return text === null ? [] : (JSON.parse(text) as NamesFile[]);
  } catch {
    return [];
  }
}

export const saveNames = (lab: string, names: readonly NamesFile[], { files, stateDir }: Drivers) =>
  names.length > 0
    ? files.write(listOf(lab, stateDir), `${JSON.stringify(names, null, 2)}\n`)
    : files.remove(listOf(lab, stateDir));

/** Take a lab's names out of all files; returns what was done, and what could not be, for people. */
export async function removeNames(lab: string, drivers: Drivers): Promise<string[]> {
  const notes: string[] = [];
  const left: NamesFile[] = [];
  const names = await readNames(lab, drivers);
  for (const one of names) {
    try {
      if (await drivers.blocks.remove(one.file, lab, one.made))
        notes.push(`${lab}: its names are out of ${one.file}`);
      if (one.knownHosts !== null) await drivers.files.remove(one.knownHosts);
    } catch (error) {
      if (!(error instanceof VmnetError)) throw error;
      left.push(one);
      notes.push(`${lab}: its names are still in ${one.file}: ${error.message}. ${error.hint ?? ''}`.trim());
    }
  }
  if (names.length > 0) await saveNames(lab, left, drivers);
  return notes;
}
