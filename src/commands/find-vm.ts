import { VmnetError } from '../errors.js';
import type { LabRecord } from '../host/model.js';
import type { Vm } from '../lab/model.js';
import { quote } from '../lab/quote.js';
import { byName } from './by-name.js';

/** A VM of a provisioned lab, by its name or as LAB/VM. */
export function findVm(name: string, records: readonly LabRecord[]): { record: LabRecord; vm: Vm } {
  const all = new Map(
    records.flatMap(record =>
      record.lab.vms.map(vm => [`${record.name}/${vm.name}`, { record, vm }] as const),
    ),
  );
  return byName(
    'VM',
    name,
    all,
    () =>
      new VmnetError(
        'usage',
        `there is no VM ${quote(name)} in any provisioned lab`,
        all.size > 0
          ? `There are: ${[...all.keys()].join(', ')}.`
          : 'No lab with VMs is provisioned on this host.',
      ),
  );
}
