import type { Bridge, Lab } from './model.js';

/** Does the lab have rules of its own in nftables? */
export const hasTables = (lab: Lab): boolean => lab.bridges.some(({ mode }) => mode !== 'bridged');

/** Does the host carry what comes and goes on this bridge from one network to another? */
export const isForwarded = ({ mode }: Bridge): boolean => mode === 'nat' || mode === 'routed';

/** May a lab have rules of ours in Docker's own chain? */
export const asksDocker = (lab: Lab): boolean => lab.bridges.some(({ docker }) => docker === 'allow');
