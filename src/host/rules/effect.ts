import type { FirewallRule } from '../model.js';

/** An uplink that is no port yet, and the bridge that takes its place. */
export interface Replaced {
  readonly device: string;
  readonly bridge: string;
}

/** What it means that a rule about the uplink no longer matches; one about any other interface begins to match. */
export function effectOf(verdict: 'accept' | 'drop' | 'other', negated: boolean): FirewallRule['effect'] {
  if (verdict === 'other') return 'no-longer-applies';
  return (verdict === 'accept') === negated ? 'opens-up' : 'locks-out';
}

/** Does a pattern mean the uplink, but not the bridge as well? Such a rule goes on as it is. */
export const meansOnly = (patterns: readonly string[], { device, bridge }: Replaced): string | undefined =>
  patterns.some(pattern => covers(pattern, bridge))
    ? undefined
    : patterns.find(pattern => covers(pattern, device));

/** nft's wildcard is a `*` at the end, that of iptables a `+`. */
const covers = (pattern: string, name: string) =>
  /[*+]$/.test(pattern) ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
