import type { Lab, Nic } from './model.js';

/** Does the lab have rules of its own in nftables? */
export const hasTables = (lab: Lab): boolean =>
  lab.bridges.some(({ mode }) => mode !== 'bridged') || nicsOf(lab).some(isRuled);

/** Do rules of nftables hold at the NIC's port? */
export const isRuled = ({ antiSpoof, guard, bandwidth }: Nic): boolean =>
  antiSpoof !== 'off' || guard.length > 0 || bandwidth.out !== null;

/** Has any NIC a queueing discipline of ours? */
export const hasQueues = (lab: Lab): boolean => nicsOf(lab).some(isQueued);

/** Is what is sent to the guest queued by us? */
export const isQueued = ({ bandwidth, impair }: Nic): boolean => bandwidth.in !== null || impair !== null;

const nicsOf = (lab: Lab) => lab.vms.flatMap(vm => vm.nics);
