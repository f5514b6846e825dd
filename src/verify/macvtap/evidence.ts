import type { IpJson } from '../../drivers/iproute2.js';
import type { CapturedFrame } from '../../drivers/pcap.js';
import { number, object, string } from '../../host/json.js';
import type { HostState } from '../../host/model.js';
import type { Counts } from '../counters.js';
import { parsePacket } from '../packets.js';
import { byPlace, type Captured, isUnicast, leftAtSize, sightingsOf } from '../sightings.js';
import type { MacvtapEvidence } from './model.js';
import type { MacvtapTarget } from './targets.js';

interface Seen {
  readonly counts: Counts;
  readonly frames: readonly CapturedFrame[] | null;
}

/** Reads looks at the devices of macvtaps. */
export interface Devices {
  /** Has the NIC's unicast gone all the way out? */
  leaves(target: MacvtapTarget, seen: Seen): boolean;
  /** Has it sent unicast at all? */
  sends(target: MacvtapTarget, seen: Seen): boolean;
  /** Has a frame of this size left? */
  leavesAt(target: MacvtapTarget, seen: Seen, bytes: number): boolean;
  readonly indexes: ReadonlyMap<string, number>;
}

export function guestSide(host: HostState): Devices {
  const indexes = new Map(host.links.map(({ name, index }) => [name, index]));
  const out = (target: MacvtapTarget, device: string, frames: readonly CapturedFrame[]) =>
    byPlace(frames)(indexes.get(device), 'out', target.nic.mac).filter(isUnicast);
  return {
    indexes,
    leaves: (target, { counts, frames }) =>
      counts.get('netdev_egress', target.nic.mac) > 0 &&
      (frames === null || out(target, target.uplink, frames).length > 0),
    sends: (target, { frames }) => frames !== null && out(target, target.tap, frames).length > 0,
    leavesAt: (target, { frames }, bytes) =>
      frames === null || leftAtSize(target, indexes.get(target.uplink), byPlace(frames), bytes) > 0,
  };
}

/** Everything that was gathered of all macvtaps. */
export interface Gathered {
  readonly counts: Counts;
  /** null where nothing could be captured. */
  readonly frames: readonly CapturedFrame[] | null;
  readonly captured: Captured | null;
  readonly devices: Pick<Devices, 'indexes'>;
  /** Addresses that the host itself has on the device. */
  readonly hostsOwn: (target: MacvtapTarget) => readonly string[];
  /** `ip -j -s link` at the beginning and at the end. */
  readonly before: readonly IpJson[];
  readonly after: readonly IpJson[];
  /** Source of the frames that were sent in at uplinks; null where none were. */
  readonly lanMac: string | null;
  readonly askedSize: (target: MacvtapTarget) => number | null;
  readonly addresses: (target: MacvtapTarget) => readonly string[];
  readonly tried: (target: MacvtapTarget) => readonly string[];
}

/** What concerns one NIC. */
export function evidenceOf(target: MacvtapTarget, gathered: Gathered): MacvtapEvidence {
  const { counts, captured, lanMac } = gathered;
  const { nic, tap, uplink } = target;
  const [tapIndex, uplinkIndex] = [tap, uplink].map(name => gathered.devices.indexes.get(name));
  // A macvtap is no tap: what its guest sends, it sends out.
  const turned: Captured | null =
    captured &&
    ((index, direction, mac) =>
      captured(index, index === tapIndex ? (direction === 'in' ? 'out' : 'in') : direction, mac));
  const seen =
    turned && sightingsOf(target, { tap: tapIndex, uplink: uplinkIndex, host: [] }, turned, lanMac);
  const said = captured?.(tapIndex, 'out', nic.mac) ?? [];
  const unicast = said.filter(isUnicast).length;
  const multicast = said.filter(frame => !isUnicast(frame) && !mayBeHosts(frame, gathered.hostsOwn(target)));
  const bytes = gathered.askedSize(target);
  return {
    macvtap: {
      name: tap,
      sent: sentBy(tap, gathered.after) - sentBy(tap, gathered.before),
      captured: captured && { unicast, multicast: multicast.length },
    },
    uplink: {
      name: uplink,
      egress: counts.get('netdev_egress', nic.mac),
      captured: seen?.atUplink ?? null,
    },
    inbound:
      lanMac === null
        ? null
        : { ingress: counts.get('netdev_ingress', nic.mac), captured: seen?.atTap ?? null },
    hostStack: {
      prerouting: counts.get('inet_prerouting', nic.mac),
      forward: counts.get('inet_forward', nic.mac),
      input: counts.get('inet_input', nic.mac),
      arp: counts.get('arp_input', nic.mac),
      toGuest: counts.get('inet_to_guest', nic.mac) + counts.get('inet_forward_to_guest', nic.mac),
    },
    fullSize:
      bytes === null || captured === null
        ? null
        : { bytes, left: leftAtSize(target, uplinkIndex, captured, bytes) },
    strangers: strangersAt(tapIndex, nic.mac, gathered.frames ?? []),
    first: seen?.first ?? null,
    addresses: gathered.addresses(target),
    tried: gathered.tried(target),
    console: '',
  };
}

/**
 * The kernel gives the device a link-local address, and with the guest's MAC asks for routers and tells of groups, though
 * it never hears an answer. The guest's own address may be the same.
 */
function mayBeHosts({ protocol, data }: CapturedFrame, own: readonly string[]): boolean {
  const packet = parsePacket(protocol, data);
  return 'source' in packet && (packet.source === '::' || own.includes(packet.source));
}

function strangersAt(index: number | undefined, own: string, frames: readonly CapturedFrame[]) {
  const counts = new Map<string, number>();
  for (const { mac, ifindex, direction } of frames) {
    if (mac === null || mac === own || ifindex !== index || direction !== 'out') continue;
    counts.set(mac, (counts.get(mac) ?? 0) + 1);
  }
  return [...counts].map(([mac, frames]) => ({ mac, frames }));
}

function sentBy(device: string, links: readonly IpJson[]): number {
  const link = links.find(candidate => string(candidate.ifname) === device) ?? {};
  return number(object(object(link.stats64).tx).packets) ?? 0;
}

/** Of a NIC of which nothing was looked at, since its device or uplink is not there. */
export const nothingSeen = (target: MacvtapTarget): MacvtapEvidence =>
  evidenceOf(target, {
    counts: { get: () => 0, keys: () => [] },
    frames: null,
    captured: null,
    devices: { indexes: new Map() },
    hostsOwn: () => [],
    before: [],
    after: [],
    lanMac: null,
    askedSize: () => null,
    addresses: () => [],
    tried: () => [],
  });
