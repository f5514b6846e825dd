import type { Lab } from './model.js';

/** Does the lab have rules of its own in nftables? */
export const hasTables = (lab: Lab): boolean => lab.bridges.some(({ mode }) => mode !== 'bridged');

/** Has it a bridge on which DHCP and DNS are served? */
export const hasServices = (lab: Lab): boolean => lab.bridges.some(({ dhcp }) => dhcp !== null);

/** Has it a subnet of its own, which nobody else may have? */
export const hasSubnets = (lab: Lab): boolean =>
  lab.bridges.some(({ address }) => address.mode === 'auto' || address.mode === 'static');
