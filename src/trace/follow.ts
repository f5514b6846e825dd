import type { CapturedFrame } from '../drivers/pcap.js';
import { IPV4, IPV6, UDP } from '../verify/octets.js';
import { claims, type Packet, parsePacket } from '../verify/packets.js';
import type { Flow, Guest, Hop, Motion, Role } from './model.js';
import { isMulticast, TCP, transport, wordsOf } from './words.js';

/** Names and roles of devices by their index. */
export type Devices = ReadonlyMap<number, { readonly device: string; readonly role: Role }>;

/** Finds the same frame at one device after the other. */
export interface Follower {
  /** In the order of capture. */
  push(frame: CapturedFrame): void;
  /** The flows that began before this time, each once. */
  take(beforeUs: number): Flow[];
  /** Frames that there was no room for. */
  lost(): number;
}

/** A frame takes less from end to end, or it is another of the same content. */
const WINDOW_US = 500_000;
/** Addresses that are remembered of a guest; a router's frames bear those of others. */
const MOST_ADDRESSES = 64;
/** Flows of the last half second; more come too fast to be shown. */
const MOST_OPEN = 5000;

interface Sighting {
  readonly role: Role;
  readonly device: string;
  readonly frame: CapturedFrame;
}

interface Open {
  readonly way: Flow['way'];
  readonly sightings: Sighting[];
}

export function makeFollower(guest: Guest, devices: () => Devices, to: string | null): Follower {
  const latest = new Map<string, Open>();
  let open: Open[] = [];
  let lost = 0;
  return {
    lost: () => lost,
    push(frame) {
      const packet = parsePacket(frame.protocol, frame.data);
      const place = devices().get(frame.ifindex) ?? { device: `device ${frame.ifindex}`, role: 'other' };
      learn(guest, place.role, frame, packet);
      if (to !== null && !names(packet, to)) return;
      const sighting: Sighting = { ...place, frame };
      const key = contentKey(frame);
      const known = latest.get(key);
      if (known && joins(known, sighting)) {
        known.sightings.push(sighting);
        return;
      }
      const way = wayOf(sighting, packet, guest);
      if (way === null) return;
      if (latest.size >= MOST_OPEN) {
        lost++;
        return;
      }
      const flow: Open = { way, sightings: [sighting] };
      latest.set(key, flow);
      open.push(flow);
    },
    take(beforeUs) {
      const done = open.filter(flow => startOf(flow) < beforeUs);
      open = open.filter(flow => !done.includes(flow));
      for (const [key, flow] of latest) if (startOf(flow) < beforeUs - WINDOW_US) latest.delete(key);
      return done.flatMap(flow => flowOf(flow, guest) ?? []);
    },
  };
}

const startOf = ({ sightings }: Open) => sightings[0]?.frame.timeUs ?? 0;

/** What a device has seen already begins again. */
const joins = (flow: Open, { device, frame }: Sighting) =>
  frame.timeUs - startOf(flow) <= WINDOW_US &&
  !flow.sightings.some(seen => seen.device === device && seen.frame.direction === frame.direction);

/** Whether a frame begins a flow here, and which; null where it does not concern the guest. */
function wayOf({ role, frame }: Sighting, packet: Packet, guest: Guest): Flow['way'] | null {
  if (role === 'tap' && frame.direction === 'in') return 'guest → LAN';
  const enters = frame.direction === 'in' || role === 'bridge';
  return enters && role !== 'tap' && concerns(packet, guest) ? 'LAN → guest' : null;
}

/** Is it for the guest? */
export function concerns(packet: Packet, { addresses, mac }: Guest): boolean {
  switch (packet.kind) {
    case 'arp':
      return addresses.has(packet.target);
    case 'neighbour':
      return addresses.has(packet.target) || addresses.has(packet.destination);
    case 'dhcp':
      return packet.client === mac && packet.reply;
    case 'other':
      return false;
    default:
      return addresses.has(packet.destination);
  }
}

/** Is it to or from this address, or about it? */
export function names(packet: Packet, address: string): boolean {
  if (packet.kind === 'other') return false;
  if (packet.kind === 'arp') return packet.sender.ip === address || packet.target === address;
  if (packet.kind === 'neighbour' && packet.target === address) return true;
  return packet.source === address || packet.destination === address;
}

function learn(guest: Guest, role: Role, { mac, direction }: CapturedFrame, packet: Packet): void {
  if (role !== 'tap' || guest.addresses.size >= MOST_ADDRESSES) return;
  const source = direction === 'in' ? (mac ?? '') : '';
  for (const claim of claims({ source, destination: '', packet }))
    if (claim.mac === guest.mac) guest.addresses.add(claim.ip);
}

/**
 * Alike wherever the frame passes: without padding, without what a router changes, and without checksums, which a
 * device may fill in. Of TCP the place in its stream, since a device may cut a large segment.
 */
export function contentKey({ protocol, data }: Pick<CapturedFrame, 'protocol' | 'data'>): string {
  const six = protocol === IPV6;
  const packet = Buffer.from(data);
  if ((!six && protocol !== IPV4) || packet.length < (six ? 40 : 20))
    return `${protocol} ${packet.toString('latin1')}`;
  const size = six ? 40 + packet.readUInt16BE(4) : packet.readUInt16BE(2);
  const body = transport(protocol, packet);
  const carried = packet[six ? 6 : 9];
  if (carried === TCP && body.length >= 13) {
    const addresses = packet.subarray(six ? 8 : 12, six ? 40 : 20);
    return `tcp ${Buffer.concat([addresses, body.subarray(0, 12)]).toString('latin1')} ${(body[13] ?? 0) & 6}`;
  }
  if (carried === UDP && body.length >= 8) body.fill(0, 6, 8);
  if (six) packet.fill(0, 7, 8);
  else packet.fill(0, 8, 9).fill(0, 10, 12);
  return `${protocol} ${packet.subarray(0, size).toString('latin1')}`;
}

/** Null for what we have said ourselves. */
function flowOf({ way, sightings }: Open, guest: Guest): Flow | null {
  const seen = sightings.filter(({ role }) => role !== 'ours');
  const [first] = seen;
  if (first === undefined || (first.role === 'tap' && first.frame.direction === 'out')) return null;
  const { frame } = first;
  const hops = withSwitching(
    seen.map(sighting => hopOf(sighting, frame)),
    guest.bridge,
  );
  const multicast = isMulticast(frame);
  const toHost = guest.host.has(receiverOf(parsePacket(frame.protocol, frame.data)));
  return {
    atUs: frame.timeUs,
    way,
    what: wordsOf(frame),
    multicast,
    hops,
    end: endOf(way, hops, multicast, toHost, guest),
  };
}

function hopOf({ device, role, frame }: Sighting, first: CapturedFrame): Hop {
  const motion = motionOf(role, frame.direction);
  return {
    device,
    role,
    motion,
    // What goes up keeps the time at which it came in.
    afterUs: motion === 'up' ? null : frame.timeUs - first.timeUs,
    changedMac: frame.mac === first.mac ? null : frame.mac,
  };
}

const motionOf = (role: Role, direction: CapturedFrame['direction']): Motion =>
  role === 'bridge' ? (direction === 'in' ? 'up' : 'down') : direction;

/** The bridge itself passes frames on without their being seen on it: between the port in and the first port out. */
function withSwitching(hops: readonly Hop[], bridge: string): Hop[] {
  const isPort = ({ role }: Hop) => role === 'tap' || role === 'uplink' || role === 'port';
  const out = hops.findIndex(hop => isPort(hop) && hop.motion === 'out');
  const [entry] = hops;
  const switched = hops[out];
  if (!entry || !switched || !isPort(entry) || entry.motion !== 'in' || switched.changedMac !== null)
    return [...hops];
  const hop: Hop = { device: bridge, role: 'bridge', motion: 'switched', afterUs: null, changedMac: null };
  return [...hops.slice(0, out), hop, ...hops.slice(out)];
}

/** Its IP address; empty where none is named. */
function receiverOf(packet: Packet): string {
  if (packet.kind === 'other') return '';
  return packet.kind === 'arp' ? packet.target : packet.destination;
}

function endOf(
  way: Flow['way'],
  hops: readonly Hop[],
  multicast: boolean,
  toHost: boolean,
  { tap, uplink }: Guest,
): Flow['end'] {
  const out = hops.filter(
    ({ motion, device }) => motion === 'out' && (way === 'guest → LAN' || device === tap),
  );
  if (out.length > 0) return out.every(({ changedMac }) => changedMac !== null) ? 'routed' : 'passed';
  if (!hops.some(({ motion }) => motion === 'up')) return 'stopped';
  // Broadcast and multicast go up anyway; they should have left as well, where there is a way out.
  if (multicast) return uplink === null && way === 'guest → LAN' ? 'host' : 'stopped';
  return toHost ? 'host' : 'taken';
}
