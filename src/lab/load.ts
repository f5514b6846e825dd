import { invalidLab } from './error.js';
import type { Boot, Lab } from './model.js';
import { quotePath } from './quote.js';
import { checkFile, readLabText } from './read.js';

export { LabError } from './error.js';

/** `skip` is for verbs such as destroy, which must work after an image is gone. */
export interface LoadOptions {
  readonly files?: 'check' | 'skip';
}

/**
 * Reads a lab file. The parser and zod are loaded here and not at the start of the program: they take about 40 ms.
 * @throws {LabError} with every problem of the file, also if it cannot be read at all
 */
export async function loadLab(path: string, { files = 'check' }: LoadOptions = {}): Promise<Lab> {
  const [read, { parseLab }] = await Promise.all([readLabText(path), import('./parse.js')]);
  if ('problem' in read) throw invalidLab(path, [read.problem]);
  const { lab, problems } = parseLab(read.text, path, files === 'check' ? { checkFile } : {});
  if (lab === null) throw invalidLab(path, problems);
  return lab;
}

/** The images, kernels and initrds of a lab that cannot be read now, one line each: for a lab that was loaded earlier. */
export function checkFiles(lab: Lab): string[] {
  return lab.vms.flatMap(({ name, boot }) =>
    filesOf(boot).flatMap(([what, path]) => {
      const trouble = checkFile(path);
      return trouble === null ? [] : [`the ${what} ${quotePath(path)} of VM ${name} ${trouble}`];
    }),
  );
}

function filesOf(boot: Boot): [what: string, path: string][] {
  if (boot.kind === 'probe') return [];
  if (boot.kind === 'image') return [['image', boot.image]];
  const initrd: [string, string][] = boot.initrd === null ? [] : [['initrd', boot.initrd]];
  return [['kernel', boot.kernel], ...initrd];
}
