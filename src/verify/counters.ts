import type { IpJson } from '../drivers/iproute2.js';
import { number, object, objects, string } from '../host/json.js';
import type { Target } from './model.js';

/** Packets seen at each hook, by the key of the set element. */
export interface Counts {
  readonly get: (hook: Hook, key: string) => number;
}

export type Hook =
  | 'bridge_prerouting'
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
  const chain = (hook: Hook, at: string, key = 'ether saddr') =>
    `chain on_${hook} { type filter hook ${at} priority ${FIRST}; ${frames} ${key} @${hook}; };`;
  const byMac = (hook: Hook, at: string) => `${counting(hook, 'ether saddr', macs)} ${chain(hook, at)}`;
  return [
    `add table bridge ${table} { flags owner; ${counting('bridge_prerouting', 'iifname . ether saddr', entries)} ${chain('bridge_prerouting', 'prerouting', 'iifname . ether saddr')} ${byMac('bridge_forward', 'forward')} ${byMac('bridge_input', 'input')} }`,
    `add table inet ${table} { flags owner; ${byMac('inet_prerouting', 'prerouting')} ${byMac('inet_forward', 'forward')} ${byMac('inet_input', 'input')} }`,
    `add table arp ${table} { flags owner; ${byMac('arp_input', 'input')} }`,
    `add table netdev ${table} { flags owner; ${counting('netdev_egress', 'ether saddr', macs)} ${uplinks
      .map(
        (name, i) =>
          `chain egress_${i} { type filter hook egress device "${name}" priority ${LAST}; ${UNICAST} ether saddr @netdev_egress; };`,
      )
      .join(' ')} }`,
  ].join('\n');
}

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
