import { FIRST, type Hook, LAST, UNICAST } from '../verify/counters.js';

type Way = 'saddr' | 'daddr';

/** Sets and hooks, by family: what is counted there, and whether by sender or by receiver. */
const PLACES: Readonly<
  Record<
    string,
    readonly { readonly set: Hook; readonly hook: string; readonly by: Way; readonly priority?: number }[]
  >
> = {
  bridge: [
    { set: 'bridge_forward', hook: 'forward', by: 'saddr', priority: LAST },
    { set: 'bridge_input', hook: 'input', by: 'saddr' },
  ],
  inet: [
    { set: 'inet_prerouting', hook: 'prerouting', by: 'saddr' },
    { set: 'inet_forward', hook: 'forward', by: 'saddr' },
    { set: 'inet_input', hook: 'input', by: 'saddr' },
    { set: 'inet_to_guest', hook: 'prerouting', by: 'daddr' },
    { set: 'inet_forward_to_guest', hook: 'forward', by: 'daddr' },
  ],
  arp: [{ set: 'arp_input', hook: 'input', by: 'saddr' }],
};

/**
 * Counters of one NIC's unicast, one command a table.
 * @param own MACs of the host: what it is sent itself is no detour
 * @param to only frames to or from this address; null for all
 */
export function hookScript(table: string, mac: string, own: readonly string[], to: string | null): string {
  return Object.entries(PLACES)
    .map(([family, places]) => {
      const parts = places.flatMap(({ set, hook, by, priority = FIRST }) => {
        const stranger = own.length > 0 && by === 'saddr' ? `ether daddr != { ${own.join(', ')} } ` : '';
        const rules = matches(family, by, to).map(
          match => `${match}${UNICAST} ${stranger}ether ${by} @${set};`,
        );
        return [
          `set ${set} { typeof ether ${by}; counter; elements = { ${mac} }; };`,
          `chain at_${set} { type filter hook ${hook} priority ${priority}; ${rules.join(' ')} };`,
        ];
      });
      return `add table ${family} ${table} { flags owner; ${parts.join(' ')} }`;
    })
    .join('\n');
}

/** The other end's address, in each way that a frame of this family can name it. */
function matches(family: string, by: Way, to: string | null): string[] {
  if (to === null) return [''];
  const other = by === 'saddr' ? 'daddr' : 'saddr';
  const arp = `arp ${other} ip ${to} `;
  const ip = `${to.includes(':') ? 'ip6' : 'ip'} ${other} ${to} `;
  if (family === 'inet') return [ip];
  if (to.includes(':')) return family === 'arp' ? [] : [ip];
  return family === 'arp' ? [arp] : [ip, arp];
}
