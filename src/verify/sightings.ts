import type { CapturedFrame } from '../drivers/pcap.js';
import { ASKED_AT } from './frames.js';
import type { FirstFrame, PathEvidence } from './model.js';
import { ARP, ICMP, ICMPV6, IPV4, IPV6, macBytes } from './octets.js';
import type { Target } from './targets.js';

// What one capture of all devices tells about one NIC.

/** Indexes of the devices that a NIC's frames pass. */
export interface Devices {
  readonly tap: number | undefined;
  readonly uplink: number | undefined;
  /** MACs by which the host itself sends. */
  readonly host: readonly string[];
}

export interface Sightings {
  /** The guest's unicast that left on the uplink, behind all filters. */
  readonly atUplink: number;
  /** Frames for the guest, sent in from the LAN's side, that left on its tap. */
  readonly atTap: number;
  readonly first: FirstFrame | null;
  readonly rerouted: PathEvidence['rerouted'];
}

/** Frames by device, direction and source, in order. */
export type Captured = (
  ifindex: number | undefined,
  direction: CapturedFrame['direction'],
  mac: string,
) => readonly CapturedFrame[];

export function byPlace(frames: readonly CapturedFrame[]): Captured {
  const places = new Map<string, CapturedFrame[]>();
  for (const frame of frames) {
    const place = `${frame.ifindex} ${frame.direction} ${frame.mac}`;
    const there = places.get(place);
    if (there) there.push(frame);
    else places.set(place, [frame]);
  }
  return (ifindex, direction, mac) => places.get(`${ifindex} ${direction} ${mac}`) ?? [];
}

/** @param lanMac source of the frames that were sent in at the uplink; null where none were */
export function sightingsOf(
  { nic, uplink }: Target,
  devices: Devices,
  captured: Captured,
  lanMac: string | null,
): Sightings {
  const at: Captured = (...place) => captured(...place).filter(isUnicast);
  const entered = at(devices.tap, 'in', nic.mac);
  const left = at(devices.uplink, 'out', nic.mac);
  const byHost = devices.host.flatMap(mac => at(devices.uplink, 'out', mac));
  return {
    atUplink: left.length,
    atTap: lanMac === null ? 0 : at(devices.tap, 'out', lanMac).length,
    first: firstFrame(entered, left, uplink ?? ''),
    rerouted: reroutedAmong(nic.mac, entered, byHost),
  };
}

/** The first frame that is seen at both ends; else the first that came in. */
function firstFrame(
  entered: readonly CapturedFrame[],
  left: readonly CapturedFrame[],
  port: string,
): FirstFrame | null {
  const same = (a: CapturedFrame, b: CapturedFrame) => a.protocol === b.protocol && isSame(a.data, b.data);
  for (const frame of entered) {
    const match = left.find(other => other.timeUs >= frame.timeUs && same(frame, other));
    if (match) return { ...shown(frame), left: { port, afterUs: match.timeUs - frame.timeUs } };
  }
  const [alone] = entered;
  return alone ? { ...shown(alone), left: null } : null;
}

const shown = (frame: CapturedFrame) => ({
  what: kindOf(frame),
  length: frame.length,
  atUs: frame.timeUs,
});

/** What this guest, and nobody else, was asked for in an echo, answered by way of the host. */
function reroutedAmong(
  mac: string,
  entered: readonly CapturedFrame[],
  byHost: readonly CapturedFrame[],
): PathEvidence['rerouted'] {
  const answer = (frame: CapturedFrame) => echoReply(frame, mac);
  for (const frame of entered) {
    const said = answer(frame);
    const match = said && byHost.find(other => isSame(answer(other), said));
    if (match) return { mac: match.mac ?? '', translated: sourceIp(frame) !== sourceIp(match) };
  }
  return null;
}

/** Operations and types (RFC 826, RFC 792, RFC 4443, RFC 4861). */
const ARP_REPLY = 2;
const ECHO_REPLY = 0;
const ECHO_REPLY_6 = 129;
const NEIGHBOUR_ADVERTISEMENT = 136;

/** By what it says: a cooked capture has no destination MAC. */
function isUnicast({ protocol, data }: CapturedFrame): boolean {
  if (protocol === ARP) return data[7] === ARP_REPLY;
  if (protocol === IPV4) return data.length >= 20 && (data[16] ?? 255) < 224;
  return protocol === IPV6 && data.length >= 40 && data[24] !== 0xff;
}

function kindOf(frame: CapturedFrame): string {
  if (frame.protocol === ARP) return 'ARP reply';
  const type = icmp(frame)?.[0];
  if (frame.protocol === IPV4) return type === ECHO_REPLY ? 'ICMP echo reply' : 'IPv4 packet';
  if (type === ECHO_REPLY_6) return 'ICMPv6 echo reply';
  return type === NEIGHBOUR_ADVERTISEMENT ? 'neighbour advertisement' : 'IPv6 packet';
}

/** An ICMP message without its IP header. */
function icmp({ protocol, data }: CapturedFrame): Uint8Array | null {
  if (protocol === IPV4 && data[9] === ICMP) return data.subarray(((data[0] ?? 0) & 15) * 4);
  if (protocol === IPV6 && data[6] === ICMPV6) return data.subarray(40);
  return null;
}

/** Sequence and payload of an answer to what this MAC was asked: a router changes its headers, never these. */
function echoReply(frame: CapturedFrame, mac: string): Uint8Array | null {
  const message = icmp(frame);
  const type = message?.[0];
  if (!message || (type !== ECHO_REPLY && type !== ECHO_REPLY_6)) return null;
  const asked = Buffer.compare(message.subarray(ASKED_AT, ASKED_AT + 6), Buffer.from(macBytes(mac))) === 0;
  return asked ? message.subarray(6) : null;
}

const sourceIp = ({ protocol, data }: CapturedFrame) =>
  (protocol === IPV4 ? data.subarray(12, 16) : data.subarray(8, 24)).join('.');

const isSame = (a: Uint8Array | null, b: Uint8Array) => a !== null && Buffer.compare(a, b) === 0;

/** How many of the guest's frames of at least this size left on the uplink. */
export const leftAtSize = (
  { nic }: Target,
  uplink: number | undefined,
  captured: Captured,
  bytes: number,
): number => captured(uplink, 'out', nic.mac).filter(({ length }) => length >= bytes).length;
