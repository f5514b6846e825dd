import type { HostState } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import type { RenderContext } from '../render/domain.js';
import type { PlanProblem } from './problems.js';

/** NICs that ask for vhost-net where it is not, or where libvirt would go without it and not say so. */
export function checkVhost(lab: Lab, host: HostState, context: RenderContext, problems: PlanProblem[]): void {
  for (const vm of lab.vms) {
    const nic = vm.nics.find(({ vhost }) => vhost);
    if (!nic) continue;
    const who = `${vm.name}, NIC ${nic.index} asks for vhost-net ("vhost": true)`;
    const fix = 'write "vhost": "auto", which takes it where it is there.';
    if (host.vhostNet === false)
      problems.push({
        code: 'bad-lab',
        message: `${who}, and this host has no /dev/vhost-net`,
        fix: `Load its module: modprobe vhost_net, or ${fix}`,
      });
    else if ((vm.accel === 'auto' ? context.accel : vm.accel) === 'tcg')
      problems.push({
        code: 'bad-lab',
        message: `${who}, which only guests with KVM have, and ${vm.name} is emulated`,
        fix: `Have KVM work (vmnet doctor tells why it does not), or ${fix}`,
      });
  }
}
