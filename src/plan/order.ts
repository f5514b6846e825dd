import type { HostState, LabRecord } from '../host/model.js';
import { bare, contains, parseCidr } from '../lab/cidr.js';
import type { Lab, Nic, Vm } from '../lab/model.js';
import { dependentsOf, inStartOrder, portOf, readyOf, readySeconds, waitText } from '../lab/order.js';
import { staticCidrs } from './bridge-addresses.js';
import { linkNamed, linkOf } from './links.js';
import type { Action, Awaited, GuestRef, Step } from './model.js';
import type { PlanProblem } from './problems.js';

// Who starts after whom, and what is waited for.

/** What the built-in guest prints on its console when it is up. */
const PROBE_UP = 'vmnet-probe: up';

/** Waits until a started guest is ready; none where it is enough that it is started. */
export function awaitActions(vm: Vm, guest: GuestRef): Action[] {
  const ready = readyOf(vm);
  if (ready === 'none') return [];
  const awaited: Awaited = {
    ready,
    upMarker: ready === 'up' && vm.boot.kind === 'probe' ? PROBE_UP : null,
    seconds: readySeconds(vm),
    nics: vm.nics.map(({ tap, mac, addresses, macvtap }) => ({ tap, mac, addresses, asked: !macvtap })),
  };
  return [{ kind: 'await', ...guest, ...awaited }];
}

/** A guest that is to be started: the step without its place in the order. */
export interface Start {
  readonly vm: Vm;
  readonly step: Step;
}

/**
 * Start steps in the order of the lab's dependencies, each told whom it comes after. A dependency that runs already is
 * waited for as well, where it can be seen whether it is ready.
 * @param running VMs whose guests run and go on, each as libvirt knows it
 */
export function inOrder(lab: Lab, starts: readonly Start[], running: ReadonlyMap<string, GuestRef>): Step[] {
  const steps = new Map(starts.map(({ vm, step }) => [vm.name, step]));
  const needed = new Set(starts.flatMap(({ vm }) => vm.dependsOn ?? []));
  for (const vm of lab.vms) {
    const guest = running.get(vm.name);
    if (!guest || !needed.has(vm.name) || steps.has(vm.name)) continue;
    // One that only has to have sent something has done so long ago, and need not do it again.
    if (readyOf(vm) === 'up' && vm.boot.kind !== 'probe') continue;
    const wait = awaitActions(vm, guest);
    if (wait.length > 0)
      steps.set(vm.name, {
        title: `wait for ${vm.domain} (${readyOf(vm)})`,
        why: 'it runs, and others depend on it',
        do: wait,
        undo: [],
      });
  }
  const ranks = new Map(lab.vms.map(({ name }, i) => [name, i]));
  const rankOf = (name: string) => ranks.get(name) ?? 0;
  return inStartOrder(lab.vms).flatMap(vm => {
    const step = steps.get(vm.name);
    const needed = (vm.dependsOn ?? []).filter(name => steps.has(name));
    const others = needed.sort((a, b) => rankOf(a) - rankOf(b)).flatMap(name => lab.vms[rankOf(name)] ?? []);
    return step ? [{ ...step, ...placeOf(vm, step, others) }] : [];
  });
}

function placeOf(vm: Vm, step: Step, others: readonly Vm[]): Pick<Step, 'name' | 'after' | 'why'> {
  const after = others.map(other => ({ name: other.name, what: waitText(other.name, readyOf(other)) }));
  const what = after.map(one => one.what).join(', ');
  const whether = readyOf(others[0] ?? vm) === 'none' ? 'started' : 'ready';
  return {
    name: vm.name,
    ...(after.length === 0 ? {} : { after }),
    why:
      after.length === 0
        ? step.why
        : `${step.why}; it waits until ${what} ${after.length > 1 ? 'are' : 'is'} ${after.length > 1 ? 'ready' : whether}`,
  };
}

/** To stop guests in: each VM after those that depend on it. */
export function stopOrder(lab: Lab | null): (vm: string) => Pick<Step, 'name' | 'after'> {
  const dependents = dependentsOf(lab?.vms ?? []);
  return vm => {
    const after = (dependents.get(vm) ?? []).map(name => ({ name, what: name }));
    return { name: vm, ...(after.length === 0 ? {} : { after }) };
  };
}

/** The lab as it was last applied, by which its guests are stopped. */
export const appliedLab = (name: string, records: readonly LabRecord[]): Lab | null =>
  records.find(record => record.name === name)?.lab ?? null;

/** A port can be asked only where the host has an address on the guest's bridge. */
export function reachProblems(lab: Lab, vm: Vm, host: HostState): PlanProblem[] {
  const ready = readyOf(vm);
  if (portOf(ready) === null || vm.nics.some(nic => hostReaches(nic, lab, host))) return [];
  const bridges = [...new Set(vm.nics.flatMap(({ bridge }) => bridge ?? []))];
  const guest = vm.nics.flatMap(({ addresses }) => addresses.map(bare));
  return [
    {
      code: 'bad-lab',
      message: `${vm.name} counts as ready once ${ready} answers, but this host has no address on ${bridges.join(' or ')}${guest.length > 0 ? ` in the subnet of ${guest.join(', ')}` : ''}, so it cannot ask`,
      fix: 'Give the bridge an "address" there, or let "ready" be "address", "up" or "none".',
    },
  ];
}

function hostReaches({ bridge: name, addresses, vlan }: Nic, lab: Lab, host: HostState): boolean {
  const bridge = lab.bridges.find(one => one.name === name);
  // The host itself is in a bridge's native VLAN.
  if (!bridge || vlan !== null) return false;
  const inherits = bridge.address.mode === 'inherit' && bridge.uplink !== null;
  const links = [linkOf(bridge, host), inherits ? linkNamed(host, bridge.uplink ?? '') : undefined];
  const present = links.flatMap(link =>
    (link?.addresses ?? []).flatMap(({ local, prefix, scope }) =>
      scope === 'link' ? [] : [`${local}/${prefix}`],
    ),
  );
  const own = [...staticCidrs(bridge), ...present].map(parseCidr).filter(cidr => cidr !== null);
  const wanted = addresses.map(parseCidr).filter(cidr => cidr !== null);
  if (wanted.length === 0) return own.length > 0;
  return wanted.some(guest => own.some(cidr => cidr.family === guest.family && contains(cidr, guest)));
}
