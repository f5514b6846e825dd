import { invalidLab } from './error.js';
import type { Boot, Disk, Lab } from './model.js';
import { quotePath } from './quote.js';
import { checkFile, readLabText, readSmallFile } from './read.js';

export { LabError } from './error.js';

const LOOK = { checkFile, readFile: readSmallFile };

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
  const { lab, problems } = parseLab(read.text, path, files === 'check' ? LOOK : {});
  if (lab === null) throw invalidLab(path, problems);
  return lab;
}

/** The images, kernels and initrds of a lab that cannot be read now, one line each: for a lab that was loaded earlier. */
export function checkFiles(lab: Lab): string[] {
  return lab.vms.flatMap(({ name, boot, disks }) =>
    [...filesOf(boot), ...imagesOf(disks)].flatMap(([what, path]) => {
      const trouble = checkFile(path);
      return trouble === null ? [] : [`the ${what} ${quotePath(path)} of VM ${name} ${trouble}`];
    }),
  );
}

const imagesOf = (disks: readonly Disk[]): [what: string, path: string][] =>
  disks.flatMap(({ image }) => (image === null ? [] : [['image', image]]));

function filesOf(boot: Boot): [what: string, path: string][] {
  if (boot.kind === 'domainXml') return [['domain XML', boot.file]];
  if (boot.kind !== 'kernel') return [];
  const initrd: [string, string][] = boot.initrd === null ? [] : [['initrd', boot.initrd]];
  return [['kernel', boot.kernel], ...initrd];
}
