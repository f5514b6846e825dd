import type { HostState, LabRecord, LibvirtUser } from '../host/model.js';
import type { Lab, Vm } from '../lab/model.js';
import { type PlanProblem, throwProblems } from './problems.js';

/** What keeps a lab's guests from being in the libvirt that was named. */
export function libvirtUserProblems(lab: Lab, host: HostState): PlanProblem[] {
  // What else is in the way may be the guests themselves.
  throwProblems(lab.name, elsewhere(lab.name, host));
  const user = host.libvirtUser;
  if (!user || host.libvirt === null) return [];
  return lab.vms.flatMap(vm => notForUsers(lab, vm, user));
}

/** A lab's guests are in the libvirt of somebody else, where they would be left behind. */
export function elsewhere(lab: string, host: HostState): PlanProblem[] {
  const record = host.records.find(({ name }) => name === lab);
  if (!record || record.networkOnly || record.lab.vms.length === 0) return [];
  if (record.libvirtUser?.uid === host.libvirtUser?.uid) return [];
  return [
    {
      code: 'conflict',
      message: `the guests of ${lab} are in ${whose(record)}, and ${host.libvirtUser ? `that of the user ${host.libvirtUser.name}` : 'that of the host'} was named`,
      fix: record.libvirtUser
        ? `Leave --connect out: the lab knows where they are. To move them: vmnet destroy ${lab}, then provision it there.`
        : `To move them: vmnet --connect qemu:///system destroy ${lab}, then provision it there.`,
    },
  ];
}

const whose = ({ libvirtUser }: LabRecord) =>
  libvirtUser ? `the libvirt of uid ${libvirtUser.uid} (${libvirtUser.uri})` : 'the libvirt of the host';

/** NICs whose device libvirt makes, for which an ordinary user's has no right. */
function notForUsers(lab: Lab, vm: Vm, { name }: LibvirtUser): PlanProblem[] {
  const ovs = new Set(lab.bridges.flatMap(bridge => (bridge.type === 'ovs' ? [bridge.name] : [])));
  return vm.nics.flatMap((nic): PlanProblem[] => {
    const what = nic.macvtap
      ? 'is a macvtap'
      : ovs.has(nic.bridge ?? '')
        ? `is a port of the Open vSwitch bridge ${nic.bridge}`
        : null;
    if (what === null) return [];
    return [
      {
        code: 'bad-lab',
        message: `NIC ${nic.index} of ${vm.name} ${what}, which libvirt makes itself, and that of the user ${name} has no right to`,
        fix: 'Put it on a Linux bridge, or have the guests in the libvirt of the host: --connect qemu:///system.',
      },
    ];
  });
}
