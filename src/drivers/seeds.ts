import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VmnetError } from '../errors.js';
import type { Files } from './files.js';
import { removeFile, stateError } from './records.js';
import type { Run } from './run.js';

/** Small ISO images that cloud-init reads. */
export interface Seeds {
  /** Whole or not at all, for its owner only: user data may hold passwords. `PATH.new` is there meanwhile. Throws `missing-tool`. */
  make(path: string, files: Readonly<Record<string, string>>): Promise<void>;
}

/** Both write an ISO 9660 with Rock Ridge and Joliet names. cloud-init looks for the label. */
const MAKERS: readonly (readonly [program: string, args: readonly string[]])[] = [
  ['xorriso', ['-as', 'mkisofs', '-quiet']],
  ['genisoimage', ['-quiet']],
  ['mkisofs', ['-quiet']],
];

const LABEL = 'cidata';

export function makeSeeds(run: Run, files: Files): Seeds {
  return {
    async make(path, contents) {
      await files.makeFolder(dirname(path));
      const work = `${path}.new`;
      try {
        await removeFile(work);
        await mkdir(work, { mode: 0o700 });
        for (const [name, text] of Object.entries(contents))
          await writeFile(join(work, name), text, { mode: 0o600 });
        const made = join(work, 'seed');
        await makeIso(
          run,
          made,
          Object.keys(contents).map(name => join(work, name)),
        );
        await chmod(made, 0o600);
        await rename(made, path);
      } catch (error) {
        throw error instanceof VmnetError ? error : stateError(work, error as NodeJS.ErrnoException);
      } finally {
        await removeFile(work);
      }
    },
  };
}

async function makeIso(run: Run, path: string, sources: readonly string[]): Promise<void> {
  for (const [program, args] of MAKERS) {
    try {
      await run(program, [
        ...args,
        '-volid',
        LABEL,
        '-joliet',
        '-rational-rock',
        '-output',
        path,
        ...sources,
      ]);
      return;
    } catch (error) {
      if (!(error instanceof VmnetError) || error.code !== 'missing-tool') throw error;
    }
  }
  throw new VmnetError(
    'missing-tool',
    'a seed for cloud-init cannot be made: there is neither xorriso nor genisoimage',
    'Install one of them (Debian and Ubuntu: apt-get install xorriso), or leave "cloudInit" out.',
  );
}
