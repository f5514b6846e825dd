import type { CapturedFrame } from '../drivers/pcap.js';
import { grouped } from '../host/grouped.js';
import type { FirstFrame } from './first-frame.js';
import { ASKED_AT } from './frames.js';
import type { PathEvidence } from './model.js';
import { IPV4, macText, view } from './octets.js';
import { isUnicast as isUnicastAddress, parsePacket } from './packets.js';
import type { Ends } from './targets.js';

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
  const places = grouped(frames, frame => `${frame.ifindex} ${frame.direction} ${frame.mac}`);
  return (ifindex, direction, mac) => places.get(`${ifindex} ${direction} ${mac}`) ?? [];
}

/** @param lanMac source of the frames that were sent in at the uplink; null where none were */
export function sightingsOf(
  { nic, uplink }: Ends,
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
    atTap: lanMac === null ? 0 : captured(devices.tap, 'out', lanMac).filter(asks(nic.mac)).length,
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
  const same = grouped(left, contentOf);
  for (const frame of entered) {
    const after = same.get(contentOf(frame))?.find(({ timeUs }) => timeUs >= frame.timeUs);
    if (after) return { ...shown(frame), left: { port, afterUs: after.timeUs - frame.timeUs } };
  }
  const [alone] = entered;
  return alone ? { ...shown(alone), left: null } : null;
}

/** Every byte of it. */
const contentOf = ({ protocol, length, data }: CapturedFrame) =>
  `${protocol} ${length} ${view(data).toString('latin1')}`;

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
  const answer = (frame: CapturedFrame) => {
    const echo = echoOf(frame, mac);
    return echo?.reply ? echo : null;
  };
  const answers = byHost.flatMap(frame => answer(frame) ?? []);
  if (answers.length === 0) return null;
  for (const frame of entered) {
    const said = answer(frame);
    const match = answers.find(({ payload }) => payload === said?.payload);
    if (said && match) return { mac: match.by ?? '', translated: said.source !== match.source };
  }
  return null;
}

/** Frames for others are flooded to this tap as well. */
export const isAsked = (mac: string, frame: CapturedFrame) => echoOf(frame, mac)?.reply === false;

const asks = (mac: string) => (frame: CapturedFrame) => isAsked(mac, frame);

const parsed = ({ protocol, data }: CapturedFrame) => parsePacket(protocol, data);

/** By what it says: a cooked capture has no destination MAC. */
export function isUnicast(frame: CapturedFrame): boolean {
  const packet = parsed(frame);
  if (packet.kind === 'arp') return packet.reply;
  return packet.kind !== 'other' && isUnicastAddress(packet.destination);
}

function kindOf(frame: CapturedFrame): string {
  const packet = parsed(frame);
  if (packet.kind === 'arp') return 'ARP reply';
  if (packet.kind === 'echo' && packet.reply) return `${packet.family === 4 ? 'ICMP' : 'ICMPv6'} echo reply`;
  if (packet.kind === 'neighbour' && packet.advertisement) return 'neighbour advertisement';
  return packet.kind === 'other' ? 'frame' : `IPv${packet.family} packet`;
}

/** An echo, request or reply, that this MAC was asked for; `payload` from the sequence on: a router never changes it. */
function echoOf(frame: CapturedFrame, mac: string) {
  const packet = parsed(frame);
  if (packet.kind !== 'echo') return null;
  const { protocol, data } = frame;
  const message = view(data).subarray(protocol === IPV4 ? ((data[0] ?? 0) & 15) * 4 : 40);
  const asked = message.length >= ASKED_AT + 6 && macText(message, ASKED_AT) === mac;
  if (!asked) return null;
  const { reply, source } = packet;
  return { by: frame.mac, reply, source, payload: message.toString('latin1', 6) };
}

/** How many of the guest's frames of at least this size left on the uplink. */
export const leftAtSize = (
  { nic }: Ends,
  uplink: number | undefined,
  captured: Captured,
  bytes: number,
): number =>
  captured(uplink, 'out', nic.mac).filter(frame => frame.length >= bytes && isUnicast(frame)).length;
