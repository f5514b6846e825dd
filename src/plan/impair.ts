import type { HostState } from '../host/model.js';
import type { Lab, Nic } from '../lab/model.js';
import type { Plan } from './model.js';
import { phasesOf } from './phases.js';
import { type PlanProblem, throwProblems } from './problems.js';
import { planQueues } from './queues.js';
/** The queue of one NIC, and nothing else of the lab. Throws as {@link planProvision} does. */
export function planImpair(lab: Lab, nic: Nic, host: HostState): Plan {
  const problems: PlanProblem[] = [];
  const only = { ...lab, vms: lab.vms.map(vm => ({ ...vm, nics: vm.nics.filter(same(nic)) })) };
  if (!host.links.some(({ altnames }) => altnames.includes(nic.altname)))
    problems.push({
      code: 'conflict',
      message: `the tap ${nic.tap} of ${nic.vm}, NIC ${nic.index}, is not there`,
      fix: 'Bring the lab up first: vmnet provision.',
    });
  const phases = phasesOf({ taps: planQueues(only, host, () => false, problems) });
  throwProblems(lab.name, problems);
  const former = host.records.find(({ name }) => name === lab.name);
  return {
    lab: lab.name,
    verb: 'provision',
    phases,
    notes: [],
    moves: [],
    garbage: [],
    record: former ? { ...former, lab } : null,
  };
}

const same = (nic: Nic) => (other: Nic) => other.altname === nic.altname;
