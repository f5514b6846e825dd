import type { Bridge, Lab, Nic } from './model.js';
import { nicsOf } from './nics.js';

/** Does the lab have rules of its own in nftables? */
export const hasTables = (lab: Lab): boolean =>
  lab.bridges.some(({ mode }) => mode !== 'bridged') || nicsOf(lab).some(isRuled);

/** Does the host carry what comes and goes on this bridge from one network to another? */
export const isForwarded = ({ mode }: Bridge): boolean => mode === 'nat' || mode === 'routed';

/** May a lab have rules of ours in Docker's own chain? */
export const asksDocker = (lab: Lab): boolean => lab.bridges.some(({ docker }) => docker === 'allow');
/** Has it a bridge on which DHCP and DNS are served? */
export const hasServices = (lab: Lab): boolean => lab.bridges.some(({ dhcp }) => dhcp !== null);

/** Has it a subnet of its own, which nobody else may have? */
export const hasSubnets = (lab: Lab): boolean =>
  lab.bridges.some(({ address }) => address.mode === 'auto' || address.mode === 'static');

/** Do rules of nftables hold at the NIC's port? */
export const isRuled = ({ antiSpoof, guard, bandwidth }: Nic): boolean =>
  antiSpoof !== 'off' || guard.length > 0 || bandwidth.out !== null;

/** Has any NIC a queueing discipline of ours? */
export const hasQueues = (lab: Lab): boolean => nicsOf(lab).some(isQueued);

/** Is what is sent to the guest queued by us? */
export const isQueued = ({ bandwidth, impair }: Nic): boolean => bandwidth.in !== null || impair !== null;
