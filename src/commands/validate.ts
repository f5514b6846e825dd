import { loadLab } from '../lab/load.js';
import type { Context, Outcome } from './command.js';

/** Check a lab file; every problem is reported at once, by the error that is thrown. */
export async function validate(file: string, _flags: object, { reporter }: Context): Promise<Outcome> {
  const lab = await loadLab(file);
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  const nics = lab.vms.reduce((sum, vm) => sum + vm.nics.length, 0);
  reporter.print(
    `${file} is a good lab: ${lab.name}, ${count(lab.bridges.length, 'bridge')}, ${count(lab.vms.length, 'VM')}, ${count(nics, 'NIC')}`,
  );
  return { lab: lab.name };
}
