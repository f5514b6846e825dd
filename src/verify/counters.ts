import type { IpJson } from '../drivers/iproute2.js';
import { number, object, objects, string } from '../host/json.js';
import type { Ends } from './targets.js';

/** Packets seen at each hook, by the key of the set element. */
export interface Counts {
  readonly get: (hook: Hook, key: string) => number;
  /** Keys of a hook at which something was seen. */
  readonly keys: (hook: Hook) => readonly string[];
}

/** What each set is keyed by, in nft's words. */
const KEYS = {
  bridge_prerouting: 'iifname . ether saddr',
  bridge_ip: 'iifname . ether saddr',
  bridge_ip6: 'iifname . ether saddr',
  bridge_arp: 'iifname . ether saddr',
  bridge_multicast: 'iifname . ether saddr',
  bridge_strangers: 'iifname . ether saddr',
  bridge_from_uplink: 'iifname . ether daddr',
  toward_ip: 'ether daddr',
  toward_ip6: 'ether daddr',
  toward_arp: 'ether daddr',
  reached_ip: 'ether daddr',
  reached_ip6: 'ether daddr',
  reached_arp: 'ether daddr',
  inward_ip: 'iifname . ether daddr',
  inward_ip6: 'iifname . ether daddr',
  inward_arp: 'iifname . ether daddr',
  brought_ip: 'iifname . ether daddr',
  brought_ip6: 'iifname . ether daddr',
  brought_arp: 'iifname . ether daddr',
  bridge_forward: 'ether saddr',
  bridge_input: 'ether saddr',
  passed_prerouting: 'iifname . ether saddr',
  passed_forward: 'ether saddr',
  passed_ip: 'ether saddr',
  passed_ip6: 'ether saddr',
  passed_arp: 'ether saddr',
  passed_to_uplink: 'oifname . ether saddr',
  passed_to_tap: 'oifname . ether daddr',
  reached_tap: 'oifname . ether daddr',
  inet_prerouting: 'ether saddr',
  inet_forward: 'ether saddr',
  inet_input: 'ether saddr',
  inet_to_guest: 'ether daddr',
  inet_forward_to_guest: 'ether daddr',
  arp_input: 'ether saddr',
  netdev_egress: 'ether saddr',
  netdev_tagged: 'ether saddr',
  netdev_ingress: 'ether daddr',
} as const;

export type Hook = keyof typeof KEYS;

/** Before every other chain of its hook, so that no verdict of theirs hides a frame. */
export const FIRST = -400;

/** After every other chain: what is counted here has really passed. */
export const LAST = 400;

/** Only unicast proves something: broadcast and multicast reach the host as on any LAN. */
export const UNICAST = 'ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00';
const MULTICAST = 'ether daddr & 01:00:00:00:00:00 != 00:00:00:00:00:00';

/** Key of a NIC at the bridge's entrance: its own tap and its own MAC. */
export const entryKey = (target: Ends) => `${target.tap} . ${target.nic.mac}`;

/** Key of a NIC where its frames meet the uplink. */
export const uplinkKey = (target: Ends) => `${target.uplink} . ${target.nic.mac}`;

const BY_MAC = ['bridge_forward', 'bridge_input', 'passed_forward'] as const;

/** Sets of one protocol: to the guest at the bridge's entrance; switched from it, and to it, past every chain. */
const BY_PROTOCOL = [
  { name: 'ip', sets: ['toward_ip', 'passed_ip', 'reached_ip'] },
  { name: 'ip6', sets: ['toward_ip6', 'passed_ip6', 'reached_ip6'] },
  { name: 'arp', sets: ['toward_arp', 'passed_arp', 'reached_arp'] },
] as const;

/** The same of what came in at the uplink, for the guest: at the bridge's entrance, and switched past every chain. */
const INWARD = [
  { name: 'ip', sets: ['inward_ip', 'brought_ip'] },
  { name: 'ip6', sets: ['inward_ip6', 'brought_ip6'] },
  { name: 'arp', sets: ['inward_arp', 'brought_arp'] },
] as const;

/** How many foreign pairs of port and MAC are remembered. */
const STRANGERS = 1024;

/**
 * One command a table. A counter for every NIC is an element of a set, not a rule: a few look-ups a frame,
 * however many NICs there are.
 * @param own MACs of the bridges: frames to the host itself are no detour
 * @param lanMac of the frames that are sent in at uplinks: what our own port sends to a tap shows nothing of the uplink
 */
export function counterScript(
  table: string,
  targets: readonly Ends[],
  own: readonly string[],
  lanMac?: string,
): string {
  const macs = unique(targets.map(({ nic }) => nic.mac));
  const entries = unique(targets.map(target => `"${target.tap}" . ${target.nic.mac}`));
  const led = targets.filter(({ uplink }) => uplink !== null);
  const uplinks = unique(led.map(({ uplink }) => `"${uplink}"`));
  const crossings = unique(led.map(({ uplink, nic }) => `"${uplink}" . ${nic.mac}`));
  const frames = `${UNICAST} ether daddr != { ${unique(own).join(', ')} }`;
  const set = (hook: Hook, elements: readonly string[]) =>
    `set ${hook} { typeof ${KEYS[hook]}; counter; ${elements.length > 0 ? `elements = { ${elements.join(', ')} };` : ''} };`;
  const count = (hook: Hook, match = frames) => `${match} ${KEYS[hook]} @${hook};`;
  const chain = (name: string, hook: string, priority: number, rules: readonly string[], device = '') =>
    `chain ${name} { type filter hook ${hook}${device && ` device ${device}`} priority ${priority}; ${rules.join(' ')} };`;
  const stranger = `update @bridge_strangers { ${KEYS.bridge_strangers} counter };`;
  // A capture shows no tags: the kernel keeps them beside the frame, and takes them out of what a cooked socket reads.
  const tags = tagsOf(led).flatMap(([tags, those]) =>
    tagMatches(tags).map(match =>
      count('netdev_tagged', `${match} ether saddr { ${unique(those).join(', ')} } ${UNICAST}`),
    ),
  );
  const notOwn = `${KEYS.bridge_prerouting} != @bridge_prerouting`;
  const tables = {
    bridge: [
      ...(
        [
          'bridge_prerouting',
          'bridge_ip',
          'bridge_ip6',
          'bridge_arp',
          'bridge_multicast',
          'passed_prerouting',
        ] as const
      ).map(hook => set(hook, entries)),
      ...([...BY_MAC, ...BY_PROTOCOL.flatMap(({ sets }) => sets)] as const).map(hook => set(hook, macs)),
      ...(['bridge_from_uplink', 'passed_to_uplink', ...INWARD.flatMap(({ sets }) => sets)] as const).map(
        hook => set(hook, crossings),
      ),
      set('passed_to_tap', entries),
      set('reached_tap', entries),
      `set taps { typeof iifname; elements = { ${unique(targets.map(({ tap }) => `"${tap}"`)).join(', ')} }; };`,
      `set macs { typeof ether saddr; elements = { ${macs.join(', ')} }; };`,
      `set bridge_strangers { typeof ${KEYS.bridge_strangers}; size ${STRANGERS}; flags dynamic; counter; };`,
      chain('first_prerouting', 'prerouting', FIRST, [
        count('bridge_prerouting'),
        count('bridge_ip', `ether type ip ${frames}`),
        count('bridge_ip6', `ether type ip6 ${frames}`),
        count('bridge_arp', `ether type arp ${frames}`),
        count('bridge_multicast', MULTICAST),
        count('bridge_from_uplink', UNICAST),
        ...BY_PROTOCOL.map(({ name, sets: [toward] }) => count(toward, `ether type ${name} ${UNICAST}`)),
        ...INWARD.map(({ name, sets: [inward] }) => count(inward, `ether type ${name} ${UNICAST}`)),
        `iifname @taps ${notOwn} ${stranger}`,
        `ether saddr @macs ${notOwn} ${stranger}`,
      ]),
      chain('last_prerouting', 'prerouting', LAST, [count('passed_prerouting')]),
      chain('first_forward', 'forward', FIRST, [count('bridge_forward')]),
      chain('last_forward', 'forward', LAST, [
        count('passed_forward'),
        ...BY_PROTOCOL.flatMap(({ name, sets: [, passed, reached] }) => [
          count(passed, `ether type ${name} ${frames}`),
          count(reached, `ether type ${name} ${UNICAST}`),
        ]),
        ...INWARD.map(({ name, sets: [, brought] }) => count(brought, `ether type ${name} ${UNICAST}`)),
      ]),
      chain('first_input', 'input', FIRST, [count('bridge_input')]),
      chain('last_postrouting', 'postrouting', LAST, [
        count('passed_to_uplink', UNICAST),
        count('reached_tap', UNICAST),
        count('passed_to_tap', `${lanMac ? `ether saddr ${lanMac} ` : ''}${UNICAST}`),
      ]),
    ],
    inet: [
      ...(['inet_prerouting', 'inet_forward', 'inet_input'] as const).map(hook => set(hook, macs)),
      ...(['inet_to_guest', 'inet_forward_to_guest'] as const).map(hook => set(hook, macs)),
      chain('first_prerouting', 'prerouting', FIRST, [
        count('inet_prerouting'),
        count('inet_to_guest', UNICAST),
      ]),
      chain('first_forward', 'forward', FIRST, [
        count('inet_forward'),
        count('inet_forward_to_guest', UNICAST),
      ]),
      chain('first_input', 'input', FIRST, [count('inet_input')]),
    ],
    arp: [set('arp_input', macs), chain('first_input', 'input', FIRST, [count('arp_input')])],
    netdev: [
      ...(['netdev_egress', 'netdev_ingress'] as const).map(hook => set(hook, macs)),
      ...(tags.length > 0 ? [set('netdev_tagged', macs)] : []),
      ...uplinks.flatMap((device, i) => [
        chain(`egress_${i}`, 'egress', LAST, [count('netdev_egress', UNICAST), ...tags], device),
        chain(`ingress_${i}`, 'ingress', LAST, [count('netdev_ingress', UNICAST)], device),
      ]),
    ],
  };
  return Object.entries(tables)
    .map(([family, parts]) => `add table ${family} ${table} { flags owner; ${parts.join(' ')} }`)
    .join('\n');
}

type Tag = number | null;

/** MACs by the tags of which their frames should have one on the uplink. */
function tagsOf(targets: readonly Ends[]): [tags: readonly Tag[], macs: string[]][] {
  const found = new Map<string, [readonly Tag[], string[]]>();
  for (const { segment, nic } of targets) {
    if (!segment) continue;
    const tags = [segment.tag, ...segment.others];
    const [, macs] = found.get(tags.join()) ?? [tags, []];
    found.set(tags.join(), [tags, [...macs, nic.mac]]);
  }
  return [...found.values()];
}

/** No frame is matched twice. */
function tagMatches(tags: readonly Tag[]): string[] {
  const vids = tags.filter(tag => tag !== null);
  const [vid] = vids;
  return [
    ...(tags.includes(null) ? ['ether type != 8021q'] : []),
    ...(vid === undefined ? [] : [`vlan id ${vids.length === 1 ? vid : `{ ${vids.join(', ')} }`}`]),
  ];
}

const unique = (words: readonly string[]) => [...new Set(words)];

/** Read the counters of our tables out of what `nft -j list sets` says. */
export function parseCounts(table: string, listed: readonly Record<string, unknown>[]): Counts {
  const packets = new Map<string, Map<string, number>>();
  for (const entry of listed) {
    const set = object(entry.set);
    if (set.table !== table) continue;
    const ofSet = packets.get(`${set.name}`) ?? new Map<string, number>();
    packets.set(`${set.name}`, ofSet);
    for (const wrapped of objects(set.elem)) {
      const element = object(wrapped.elem);
      ofSet.set(keyOf(element), number(object(element.counter).packets) ?? 0);
    }
  }
  return {
    get: (hook, key) => packets.get(hook)?.get(key) ?? 0,
    keys: hook => [...(packets.get(hook)?.keys() ?? [])],
  };
}

function keyOf(element: IpJson): string {
  const { concat } = object(element.val);
  return Array.isArray(concat) ? concat.join(' . ') : (string(element.val) ?? '');
}
