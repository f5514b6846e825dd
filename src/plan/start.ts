import type { DomainState, HostState, LabRecord } from '../host/model.js';
import type { Lab, Vm } from '../lab/model.js';
import { withDependencies } from '../lab/order.js';
import { memoryProblems } from './clashes/memory.js';
import { guestRef, isAlive, placeOn, startStep } from './guest.js';
import { marked } from './links.js';
import type { GuestRef, Plan } from './model.js';
import { inOrder, reachProblems, type Start } from './order.js';
import { phasesOf } from './phases.js';
import { type PlanProblem, throwProblems } from './problems.js';

/** Domains of a lab, by the name of the VM; what does not bear its mark is not among them. */
export const domainsOf = (lab: string, host: HostState): Map<string, DomainState> =>
  new Map(
    (host.libvirt?.domains ?? []).flatMap(domain =>
      domain.mark?.lab === lab ? [[domain.mark.vm, domain] as const] : [],
    ),
  );

/**
 * What has to be done so that these VMs of a lab run, and all that they depend on: nothing but starting what is defined.
 * @param yes also where they would have more memory than the host has left
 * @throws {VmnetError} `bad-lab` or `conflict`, naming everything that is in the way
 */
export function planStart(
  record: LabRecord,
  names: readonly string[],
  host: HostState,
  stateDir: string,
  yes = false,
): Plan {
  const { lab } = record;
  const place = placeOn(host, stateDir);
  const domains = domainsOf(lab.name, host);
  const wanted = withDependencies(lab.vms, names);
  const starts: Start[] = [];
  const running = new Map<string, GuestRef>();
  const problems: PlanProblem[] = [];
  for (const vm of lab.vms.filter(({ name }) => wanted.has(name))) {
    const domain = domains.get(vm.name);
    if (!domain) {
      problems.push(notDefined(vm, lab));
      continue;
    }
    const ref = { name: domain.name, uuid: domain.uuid };
    if (isAlive(domain)) {
      running.set(vm.name, guestRef(lab.name, vm.name, ref, place));
      continue;
    }
    problems.push(...missingTaps(vm, lab, host), ...reachProblems(lab, vm, host));
    starts.push({ vm, step: startStep(lab, vm, ref, place, false, false) });
  }
  if (!yes)
    problems.push(
      ...memoryProblems(
        lab.name,
        starts.map(({ vm }) => vm),
        host,
      ),
    );
  throwProblems(lab.name, problems);
  const more = starts.map(({ vm }) => vm.name).filter(name => !names.includes(name));
  return {
    lab: lab.name,
    verb: 'provision',
    phases: phasesOf({ start: inOrder(lab, starts, running) }),
    notes: more.length > 0 ? [`started as well, since others depend on them: ${more.join(', ')}`] : [],
    moves: [],
    garbage: [],
    record,
  };
}

const notDefined = (vm: Vm, { file }: Lab): PlanProblem => ({
  code: 'conflict',
  message: `${vm.name} cannot be started: libvirt has no domain of it`,
  fix: `vmnet provision ${file} defines it, and starts it.`,
});

function missingTaps(vm: Vm, { bridges, file }: Lab, host: HostState): PlanProblem[] {
  const isOvs = (name: string | null) => bridges.some(it => it.name === name && it.type === 'ovs');
  // libvirt makes macvtaps, and ports of Open vSwitch, as the guest starts.
  const taps = vm.nics.filter(nic => !nic.macvtap && !isOvs(nic.bridge) && !marked(host, nic.altname));
  return taps.map(({ tap }) => ({
    code: 'conflict',
    message: `${vm.name} cannot be started: its tap ${tap} is not there`,
    fix: `vmnet provision ${file} brings it back.`,
  }));
}
