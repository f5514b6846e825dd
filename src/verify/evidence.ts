import type { IpJson } from '../drivers/iproute2.js';
import { number, object, string } from '../host/json.js';
import { bare } from '../lab/cidr.js';
import { type Counts, entryKey, uplinkKey } from './counters.js';
import type { StackBetween } from './host-stack.js';
import type { Crossing, Family, PathEvidence } from './model.js';
import { type Captured, leftAtSize, sightingsOf } from './sightings.js';
import type { Target } from './targets.js';
import type { WayOut } from './way/model.js';

/** Everything that was gathered of all NICs, before it is told apart by NIC. */
export interface Gathered {
  readonly counts: Counts;
  /** null where nothing could be captured. */
  readonly captured: Captured | null;
  /** Frames were lost: what the capture does not show may have been there. */
  readonly isLossy: boolean;
  /** Index of each link by its name. */
  readonly indexes: ReadonlyMap<string, number>;
  /** Frames that came in through each link during the proof, by its name. */
  readonly received: ReadonlyMap<string, number>;
  /** Port of each learned MAC, by `BRIDGE MAC`. */
  readonly learned: ReadonlyMap<string, string>;
  /** MACs of the bridges. */
  readonly own: readonly string[];
  /** MACs of our ports, where they speak. */
  readonly ours: readonly string[];
  /** What the host's IP stack holds of addresses. */
  readonly stack: StackBetween;
  /** Source of the frames that were sent in at this NIC's uplink; null where none were. */
  readonly lanMac: (target: Target) => string | null;
  /** Bytes of the full-size question that a NIC was asked; null where it was not. */
  readonly askedSize: (target: Target) => number | null;
  /** It was not asked for its way in. */
  readonly late: (target: Target) => boolean;
  /** Up the host's IP stack and out; null where the NIC is not meant to go there. */
  readonly way: (target: Target) => WayOut | null;
  readonly addresses: (target: Target) => readonly string[];
  /** Of these, what the guest itself said. */
  readonly heard: (target: Target) => readonly string[];
  readonly tried: (target: Target) => readonly string[];
}

/** What concerns one NIC. */
export function evidenceOf(target: Target, gathered: Gathered): PathEvidence {
  const { counts, captured } = gathered;
  const lanMac = gathered.lanMac(target);
  const { nic, uplink, tap } = target;
  const entry = entryKey(target);
  const [tapIndex, uplinkIndex] = [gathered.indexes.get(tap), gathered.indexes.get(uplink ?? '')];
  const seen =
    captured &&
    sightingsOf(target, { tap: tapIndex, uplink: uplinkIndex, host: gathered.own }, captured, lanMac);
  const bytes = gathered.askedSize(target);
  const unlessLost = <T extends number | boolean>(found: T): T | null =>
    found || !gathered.isLossy ? found : null;
  const left =
    bytes === null || captured === null ? null : unlessLost(leftAtSize(target, uplinkIndex, captured, bytes));
  const addresses = gathered.addresses(target);
  const port = gathered.learned.get(`${target.bridge} ${nic.mac}`);
  return {
    intent: target.intent,
    bridge: {
      name: target.bridge,
      prerouting: counts.get('bridge_prerouting', entry),
      forward: counts.get('bridge_forward', nic.mac),
      input: counts.get('bridge_input', nic.mac),
    },
    passed: {
      prerouting: counts.get('passed_prerouting', entry),
      forward: counts.get('passed_forward', nic.mac),
      toUplink: uplink === null ? 0 : counts.get('passed_to_uplink', uplinkKey(target)),
      toTap: counts.get('reached_tap', entry),
    },
    families: byFamily(name => ({
      entered: counts.get(`bridge_${name}`, entry),
      switched: counts.get(`passed_${name}`, nic.mac),
    })),
    toGuest: byFamily(name => ({
      entered: counts.get(`toward_${name}`, nic.mac),
      switched: counts.get(`reached_${name}`, nic.mac),
    })),
    multicast: counts.get('bridge_multicast', entry),
    hostStack: {
      prerouting: counts.get('inet_prerouting', nic.mac),
      forward: counts.get('inet_forward', nic.mac),
      input: counts.get('inet_input', nic.mac),
      arp: counts.get('arp_input', nic.mac),
      ...gathered.stack.of([...nic.addresses.map(bare), ...addresses]),
    },
    uplink:
      uplink === null
        ? null
        : {
            name: uplink,
            egress: counts.get('netdev_egress', nic.mac),
            captured: seen && unlessLost(seen.atUplink),
          },
    ...tagsOf(target, counts),
    inbound:
      uplink === null || lanMac === null
        ? null
        : {
            ingress: counts.get('netdev_ingress', nic.mac),
            prerouting: counts.get('bridge_from_uplink', uplinkKey(target)),
            families: byFamily(name => ({
              entered: counts.get(`inward_${name}`, uplinkKey(target)),
              switched: counts.get(`brought_${name}`, uplinkKey(target)),
            })),
            toTap: counts.get('passed_to_tap', entry),
            captured: seen && unlessLost(seen.atTap),
            hostStack: {
              prerouting: counts.get('inet_to_guest', nic.mac),
              forward: counts.get('inet_forward_to_guest', nic.mac),
            },
          },
    fullSize: bytes === null || left === null ? null : { bytes, left },
    tap: { name: tap, received: gathered.received.get(tap) ?? 0 },
    heard:
      captured === null || gathered.ours.length === 0
        ? null
        : unlessLost(gathered.ours.some(mac => captured(tapIndex, 'out', mac).length > 0)),
    fdb: port === undefined ? null : { mac: nic.mac, port },
    strangers: strangersOf(target, counts),
    first: seen === null ? null : seen.first,
    rerouted: seen === null ? null : seen.rerouted,
    way: gathered.way(target),
    late: gathered.late(target),
    addresses,
    heardAddresses: gathered.heard(target),
    tried: gathered.tried(target),
    console: '',
  };
}

const tagsOf = ({ nic, segment, uplink }: Target, counts: Counts): Pick<PathEvidence, 'tag'> =>
  segment && uplink !== null
    ? { tag: { vid: segment.tag, others: segment.others, frames: counts.get('netdev_tagged', nic.mac) } }
    : {};

const byFamily = (crossing: (name: Family) => Crossing) => ({
  ip: crossing('ip'),
  ip6: crossing('ip6'),
  arp: crossing('arp'),
});

/** At this NIC's tap, or with its MAC elsewhere. */
const strangersOf = ({ tap, nic }: Target, counts: Counts) =>
  counts
    .keys('bridge_strangers')
    .filter(key => key.startsWith(`${tap} . `) || key.endsWith(` . ${nic.mac}`))
    .map(key => {
      const [port = '', mac = ''] = key.split(' . ');
      return { port, mac, frames: counts.get('bridge_strangers', key) };
    });

/** Of a NIC of which nothing was looked at, since its bridge is not there. */
export const nothingSeen = (target: Target): PathEvidence =>
  evidenceOf(target, {
    counts: { get: () => 0, keys: () => [] },
    captured: null,
    isLossy: false,
    indexes: new Map(),
    received: new Map(),
    learned: new Map(),
    own: [],
    ours: [],
    stack: { of: () => ({ neighbours: [], conntrack: null, forwarded: 0 }) },
    lanMac: () => null,
    askedSize: () => null,
    way: () => null,
    late: () => false,
    addresses: () => [],
    heard: () => [],
    tried: () => [],
  });

/** Index of each link, out of `ip -j link`. */
export const indexesOf = (links: readonly IpJson[]): Map<string, number> =>
  new Map(links.map(link => [string(link.ifname) ?? '', number(link.ifindex) ?? 0]));

/** Frames that came in between two looks (`ip -j -s link`): for a tap, what its guest sent. */
export function receivedBetween(before: readonly IpJson[], after: readonly IpJson[]): Map<string, number> {
  const count = (link: IpJson) => number(object(object(link.stats64).rx).packets) ?? 0;
  const former = new Map(before.map(link => [string(link.ifname), count(link)]));
  return new Map(
    after.map(link => [string(link.ifname) ?? '', count(link) - (former.get(string(link.ifname)) ?? 0)]),
  );
}
