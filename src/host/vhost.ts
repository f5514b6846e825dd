import type { Drivers } from '../drivers/drivers.js';
import type { Lab } from '../lab/model.js';

/** Is there vhost-net? Looked at only where a NIC asks for it. */
export const vhostFor = (lab: Lab | null, { kernel }: Drivers) =>
  lab?.vms.some(vm => vm.nics.some(({ vhost }) => vhost))
    ? { vhostNet: kernel.exists('/dev/vhost-net') }
    : {};
