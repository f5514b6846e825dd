import type { Path, Report } from './problem.js';
import { quote } from './quote.js';
import type { LooseVm } from './rules/walk.js';
import type { LooseLab } from './shape.js';
import { didYouMean } from './suggest.js';

export type LooseGroup = NonNullable<NonNullable<LooseLab['groups']>[string]>;

/** Stands for a group that cannot be read: whether it says what to boot is not known. */
const UNREAD: LooseGroup = { boot: undefined };

/** The group of a VM, out of those of the lab, whose `names` are made once; null where the VM names none. */
export function groupOf(
  lab: LooseLab,
  names: readonly string[],
  key: string,
  vm: LooseVm,
  report: Report,
): LooseGroup | null {
  if (!('group' in vm)) return null;
  if (vm.group === undefined || ('groups' in lab && lab.groups === undefined)) return UNREAD;
  if (lab.groups !== undefined && vm.group in lab.groups) return lab.groups[vm.group] ?? UNREAD;
  const add = `add it: "groups": { ${quote(vm.group)}: { … } }`;
  report(
    ['vms', key, 'group'],
    `the lab has no group ${quote(vm.group)}`,
    didYouMean(vm.group, names, names.length === 0 ? add : 'add it to "groups", or use one of:'),
  );
  return UNREAD;
}

/** A VM with what its group says wherever it says nothing itself. Each value is taken whole: no two are merged. */
export function withGroup(vm: LooseVm, { nic: shared, ...values }: LooseGroup): LooseVm {
  // One that vmnet did not make takes nothing but what is said of NICs.
  const all = 'domain' in vm ? vm : { ...values, ...vm };
  return vm.nics === undefined ? all : { ...all, nics: vm.nics.map(nic => nic && { ...shared, ...nic }) };
}

/** Where in the group a value of the VM was written, by its path inside the VM; null where the group does not say it. */
export function placeInGroup(vm: LooseVm, group: LooseGroup, path: Path): Path | null {
  const [key = '', position = 0, nicKey = ''] = path;
  if (key !== 'nics') return key in vm || !(key in group) || 'domain' in vm ? null : path;
  const nic = vm.nics?.[Number(position)];
  const isShared = nicKey !== '' && !(nicKey in (nic ?? {})) && nicKey in (group.nic ?? {});
  return isShared ? ['nic', ...path.slice(2)] : null;
}
