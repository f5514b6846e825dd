import type { Lab } from './model.js';

/** Does the lab have rules of its own in nftables? */
export const hasTables = (lab: Lab): boolean => lab.bridges.some(({ mode }) => mode !== 'bridged');
