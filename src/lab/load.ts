import { VmnetError } from '../errors.js';
import type { Boot, Lab } from './model.js';
import { type Problem, problemLine } from './problem.js';
import { quote } from './quote.js';
import { checkFile, readLabText } from './read.js';

/** How many problems the hint lists; `problems` has them all. */
const SHOWN = 40;

/** A lab file that cannot be used, with everything that is wrong with it. */
export class LabError extends VmnetError {
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super('bad-lab', `the lab file ${quote(file)} has ${count}`, hintOf(problems));
    this.problems = problems;
  }
}

function hintOf(problems: readonly Problem[]): string {
  const lines = problems.slice(0, SHOWN).map(problemLine);
  return [...lines, ...(problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : [])].join('\n');
}

/** `skip` is for verbs such as destroy, which must work after an image is gone. */
export interface LoadOptions {
  readonly files?: 'check' | 'skip';
}

/**
 * Reads a lab file. The parser and zod are loaded here and not at the start of the program: they take about 40 ms.
 * @throws {LabError} with every problem of the file; {@link VmnetError} `bad-lab` if it cannot be read at all
 */
export async function loadLab(path: string, { files = 'check' }: LoadOptions = {}): Promise<Lab> {
  const [read, { parseLab }] = await Promise.all([readLabText(path), import('./parse.js')]);
  if ('problem' in read) throw new LabError(path, [read.problem]);
  const { lab, problems } = parseLab(read.text, path, files === 'check' ? { checkFile } : {});
  if (lab === null) throw new LabError(path, problems);
  return lab;
}

/** The images, kernels and initrds of a lab that cannot be read now, one line each: for a lab that was loaded earlier. */
export function checkFiles(lab: Lab): string[] {
  return lab.vms.flatMap(({ name, boot }) =>
    filesOf(boot).flatMap(([what, path]) => {
      const trouble = checkFile(path);
      return trouble === null ? [] : [`the ${what} ${quote(path)} of VM ${name} ${trouble}`];
    }),
  );
}

function filesOf(boot: Boot): [what: string, path: string][] {
  if (boot.kind === 'probe') return [];
  if (boot.kind === 'image') return [['image', boot.image]];
  const initrd: [string, string][] = boot.initrd === null ? [] : [['initrd', boot.initrd]];
  return [['kernel', boot.kernel], ...initrd];
}
