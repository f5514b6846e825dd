import { loadLab } from '../lab/load.js';
import type { Lab } from '../lab/model.js';
import { nicsOf } from '../lab/nics.js';
import { resolvedFile } from '../lab/resolved.js';
import type { Context, Outcome } from './command.js';

export interface ValidateFlags {
  readonly resolved?: boolean;
}

/**
 * Check a lab file; every problem is reported at once, by the error that is thrown. With `--resolved` the lab is printed
 * as a file in which all is said; with `--json` that is the member `resolved`.
 */
export async function validate(file: string, flags: ValidateFlags, { reporter }: Context): Promise<Outcome> {
  const lab = await loadLab(file);
  if (!flags.resolved) {
    reporter.print(`${file} is a good lab: ${summary(lab)}`);
    return { lab: lab.name };
  }
  const resolved = resolvedFile(lab);
  reporter.print(JSON.stringify(resolved, null, 2));
  return { lab: lab.name, more: { resolved } };
}

function summary(lab: Lab): string {
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  const more = [
    lab.namespaces.length > 0 ? `${count(lab.namespaces.length, 'namespace')}, ` : '',
    lab.links.length > 0 ? `${count(lab.links.length, 'link')}, ` : '',
  ];
  const some = more.join('');
  return `${lab.name}, ${count(lab.bridges.length, 'bridge')}, ${count(lab.vms.length, 'VM')}, ${some}${count(nicsOf(lab).length, 'NIC')}`;
}
