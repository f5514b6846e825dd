import type { IpJson } from '../drivers/iproute2.js';
import { number, object, objects, string } from '../host/json.js';
import type { Target } from './targets.js';

/** Packets seen at each hook, by the key of the set element. */
export interface Counts {
  readonly get: (hook: Hook, key: string) => number;
}

export type Hook =
  | 'bridge_prerouting'
  | 'bridge_ip'
  | 'bridge_ip6'
  | 'bridge_forward'
  | 'bridge_input'
  | 'inet_prerouting'
  | 'inet_forward'
  | 'inet_input'
  | 'arp_input'
  | 'netdev_egress';

/** Before every other chain of its hook, so that no verdict of theirs hides a frame. */
const FIRST = -400;

/** After every other chain: what is counted at the uplink has really passed. */
const LAST = 400;

/** Only unicast proves something: broadcast and multicast reach the host as on any LAN. */
const UNICAST = 'ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00';

/** Key of a NIC at the bridge's entrance: its own tap and its own MAC. */
export const entryKey = (target: Target) => `${target.tap} . ${target.nic.mac}`;

/**
 * One command a table. A counter for every NIC is an element of a set, not a rule: six look-ups a frame,
 * however many NICs there are.
 * @param own MACs of the bridges: frames to the host itself are no detour
 */
export function counterScript(table: string, targets: readonly Target[], own: readonly string[]): string {
  const macs = [...new Set(targets.map(({ nic }) => nic.mac))].join(', ');
  const entries = [...new Set(targets.map(target => `"${target.tap}" . ${target.nic.mac}`))].join(', ');
  const uplinks = [...new Set(targets.flatMap(({ uplink }) => uplink ?? []))];
  const frames = `${UNICAST} ether daddr != { ${[...new Set(own)].join(', ')} }`;
  const counting = (hook: Hook, key: string, elements: string) =>
    `set ${hook} { typeof ${key}; counter; elements = { ${elements} }; };`;
  const rule = (set: Hook, key: string, match = '') => `${match}${frames} ${key} @${set};`;
  const chain = (hook: Hook, rules: readonly string[]) =>
    `chain on_${hook} { type filter hook ${hook.split('_')[1]} priority ${FIRST}; ${rules.join(' ')} };`;
  const byMac = (hook: Hook) => `${counting(hook, MAC, macs)} ${chain(hook, [rule(hook, MAC)])}`;
  const entered = (['bridge_prerouting', 'bridge_ip', 'bridge_ip6'] as const).map(set =>
    counting(set, ENTRY, entries),
  );
  const egress = uplinks.map(
    (name, i) =>
      `chain egress_${i} { type filter hook egress device "${name}" priority ${LAST}; ${UNICAST} ${MAC} @netdev_egress; };`,
  );
  const entrance = chain('bridge_prerouting', [
    rule('bridge_prerouting', ENTRY),
    rule('bridge_ip', ENTRY, 'ether type ip '),
    rule('bridge_ip6', ENTRY, 'ether type ip6 '),
  ]);
  const tables = {
    bridge: [...entered, entrance, byMac('bridge_forward'), byMac('bridge_input')],
    inet: [byMac('inet_prerouting'), byMac('inet_forward'), byMac('inet_input')],
    arp: [byMac('arp_input')],
    netdev: [counting('netdev_egress', MAC, macs), ...egress],
  };
  return Object.entries(tables)
    .map(([family, parts]) => `add table ${family} ${table} { flags owner; ${parts.join(' ')} }`)
    .join('\n');
}

/** Keys of the sets. */
const MAC = 'ether saddr';
const ENTRY = 'iifname . ether saddr';

/** Read the counters of our tables out of what `nft -j list sets` says. */
export function parseCounts(table: string, listed: readonly Record<string, unknown>[]): Counts {
  const packets = new Map<string, number>();
  for (const entry of listed) {
    const set = object(entry.set);
    if (set.table !== table) continue;
    for (const wrapped of objects(set.elem)) {
      const element = object(wrapped.elem);
      packets.set(`${set.name} ${keyOf(element)}`, number(object(element.counter).packets) ?? 0);
    }
  }
  return { get: (hook, key) => packets.get(`${hook} ${key}`) ?? 0 };
}

function keyOf(element: IpJson): string {
  const { concat } = object(element.val);
  return Array.isArray(concat) ? concat.join(' . ') : (string(element.val) ?? '');
}
