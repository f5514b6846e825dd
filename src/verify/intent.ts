import type { BridgeMode } from '../lab/model.js';

/**
 * The verdict that a bridge is meant to get. `direct`: switched, past the host's IP stack; `routed`: up the stack and
 * out through the host; `isolated`: nowhere out.
 */
export type Intent = 'direct' | 'routed' | 'isolated';

const INTENTS: Readonly<Record<BridgeMode, Intent>> = {
  bridged: 'direct',
  isolated: 'isolated',
  nat: 'routed',
  routed: 'routed',
};

export const intentOf = (mode: BridgeMode): Intent => INTENTS[mode];
