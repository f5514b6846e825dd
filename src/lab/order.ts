import type { Ready, Vm } from './model.js';

/** When others may count on a VM: only the probe guest says by itself that it is up. */
export const readyOf = ({ ready, boot }: Vm): Ready => ready ?? (boot.kind === 'probe' ? 'up' : 'none');

/** Seconds that this may take: a probe guest needs a few, an image under emulation minutes. */
export const readySeconds = ({ readyTimeout, boot }: Vm): number =>
  readyTimeout ?? (boot.kind === 'probe' ? 120 : 300);

/** The TCP port that has to answer; null where none has. */
export function portOf(ready: Ready): number | null {
  if (ready === 'ssh') return 22;
  return ready.startsWith('tcp:') ? Number(ready.slice(4)) : null;
}

/** `db (tcp:5432)`, or `db` where it only has to be started. */
export const waitText = (name: string, ready: Ready) => (ready === 'none' ? name : `${name} (${ready})`);

/** VMs in an order in which each comes after all that it depends on, else as they are. */
export function inStartOrder(vms: readonly Vm[]): Vm[] {
  const byName = new Map(vms.map(vm => [vm.name, vm]));
  const placed = new Set<string>();
  const result: Vm[] = [];
  for (const first of vms) {
    // A stack instead of recursion: a chain may have a thousand links.
    const stack = [first];
    while (stack.length > 0) {
      const vm = stack.at(-1) as Vm;
      const missing = vm.dependsOn?.find(name => byName.has(name) && !placed.has(name));
      const next = missing === undefined ? undefined : byName.get(missing);
      if (next !== undefined) {
        stack.push(next);
        continue;
      }
      stack.pop();
      if (placed.has(vm.name)) continue;
      placed.add(vm.name);
      result.push(vm);
    }
  }
  return result;
}

/** Names of these VMs and of all that they depend on. */
export function withDependencies(vms: readonly Vm[], names: readonly string[]): Set<string> {
  const byName = new Map(vms.map(vm => [vm.name, vm]));
  const found = new Set(names);
  for (const name of found) for (const needed of byName.get(name)?.dependsOn ?? []) found.add(needed);
  return found;
}

/** Of each VM, the names of those that depend on it. */
export function dependentsOf(vms: readonly Vm[]): Map<string, string[]> {
  const dependents = new Map<string, string[]>(vms.map(({ name }) => [name, []]));
  for (const { name, dependsOn = [] } of vms)
    for (const needed of dependsOn) dependents.get(needed)?.push(name);
  return dependents;
}
