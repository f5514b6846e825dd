import { VmnetError } from '../errors.js';
import type { LabRecord } from '../host/model.js';
import type { Vm } from '../lab/model.js';
import { quote } from '../lab/quote.js';

/** By its name alone, where no other lab has one of that name, or as LAB/VM. */
export function findVm(name: string, records: readonly LabRecord[]): { record: LabRecord; vm: Vm } {
  const all = records.flatMap(record => record.lab.vms.map(vm => ({ record, vm })));
  const full = ({ record, vm }: (typeof all)[number]) => `${record.name}/${vm.name}`;
  const found = all.filter(it => it.vm.name === name || full(it) === name);
  const [first] = found;
  if (first === undefined)
    throw new VmnetError(
      'usage',
      `there is no VM ${quote(name)} in any provisioned lab`,
      all.length > 0
        ? `There are: ${all.map(full).join(', ')}.`
        : 'No lab with VMs is provisioned on this host.',
    );
  if (found.length > 1)
    throw new VmnetError(
      'usage',
      `${found.length} labs have a VM ${quote(name)}`,
      `Say which: ${found.map(full).join(', ')}.`,
    );
  return first;
}
