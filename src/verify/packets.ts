import { ARP, type Host, ICMP, ICMPV6, IPV4, IPV6, ipText, macText, NOBODY, UDP, view } from './octets.js';

/** An Ethernet frame as far as it tells who is where. Addresses as the kernel prints them. */
export interface Frame {
  readonly source: string;
  readonly destination: string;
  readonly packet: Packet;
}

export type Packet = Arp | Echo | Neighbour | Dhcp | Plain | Other;

export interface Arp {
  readonly kind: 'arp';
  readonly reply: boolean;
  /** 0.0.0.0 in a probe (RFC 5227). */
  readonly sender: Host;
  readonly target: string;
}

/** Of every IP packet. */
interface Ip {
  readonly family: 4 | 6;
  readonly source: string;
  readonly destination: string;
  /** Bytes of the whole IP packet, by its header. */
  readonly size: number;
}

export interface Echo extends Ip {
  readonly kind: 'echo';
  readonly reply: boolean;
  readonly id: number;
  readonly sequence: number;
}

/** Neighbour solicitation or advertisement. */
export interface Neighbour extends Ip {
  readonly kind: 'neighbour';
  readonly advertisement: boolean;
  readonly target: string;
  /** Link-layer address option; null without. */
  readonly mac: string | null;
}

export interface Dhcp extends Ip {
  readonly kind: 'dhcp';
  readonly reply: boolean;
  /** MAC of the client. */
  readonly client: string;
  /** What the client has, asks for, or is given; null where none is named. */
  readonly address: string | null;
}

export interface Plain extends Ip {
  readonly kind: 'ip';
  readonly protocol: number;
}

export interface Other {
  readonly kind: 'other';
  readonly etherType: number;
}

/** Null for what is shorter than an Ethernet header. Cut or broken packets are `other`. */
export function parseFrame(bytes: Uint8Array): Frame | null {
  const frame = view(bytes);
  if (frame.length < 14) return null;
  return {
    destination: macText(frame, 0),
    source: macText(frame, 6),
    packet: parsePacket(frame.readUInt16BE(12), frame.subarray(14)),
  };
}

/** What follows the link layer; it may be cut behind the headers. */
export function parsePacket(etherType: number, bytes: Uint8Array): Packet {
  const packet = view(bytes);
  const parsed =
    etherType === ARP
      ? parseArp(packet)
      : etherType === IPV4
        ? parseFour(packet)
        : etherType === IPV6
          ? parseSix(packet)
          : null;
  return parsed ?? { kind: 'other', etherType };
}

function parseArp(packet: Buffer): Arp | null {
  if (packet.length < 28 || packet.readUInt32BE(0) !== 0x00010800 || packet.readUInt16BE(4) !== 0x0604)
    return null;
  const sender = { mac: macText(packet, 8), ip: ipText(packet, 14, 4) };
  return { kind: 'arp', reply: packet.readUInt16BE(6) === 2, sender, target: ipText(packet, 24, 4) };
}

function parseFour(packet: Buffer): Packet | null {
  if (packet.length < 20 || packet.readUInt8(0) >> 4 !== 4) return null;
  const header = (packet.readUInt8(0) & 15) * 4;
  const addresses = { source: ipText(packet, 12, 4), destination: ipText(packet, 16, 4) };
  const ip = { family: 4 as const, ...addresses, size: packet.readUInt16BE(2) };
  const protocol = packet.readUInt8(9);
  const later = (packet.readUInt16BE(6) & 0x1fff) !== 0;
  const body = later ? Buffer.alloc(0) : packet.subarray(header);
  if (protocol === ICMP) return echo(ip, body, 8, 0) ?? { kind: 'ip', ...ip, protocol };
  if (protocol === UDP) return dhcp(ip, body) ?? { kind: 'ip', ...ip, protocol };
  return { kind: 'ip', ...ip, protocol };
}

function parseSix(packet: Buffer): Packet | null {
  if (packet.length < 40 || packet.readUInt8(0) >> 4 !== 6) return null;
  const addresses = { source: ipText(packet, 8, 6), destination: ipText(packet, 24, 6) };
  const ip = { family: 6 as const, ...addresses, size: 40 + packet.readUInt16BE(4) };
  const protocol = packet.readUInt8(6);
  const body = packet.subarray(40);
  const known = protocol === ICMPV6 ? (echo(ip, body, 128, 129) ?? neighbour(ip, body)) : null;
  return known ?? { kind: 'ip', ...ip, protocol };
}

function echo(ip: Ip, body: Buffer, request: number, reply: number): Echo | null {
  if (body.length < 8 || ![request, reply].includes(body.readUInt8(0))) return null;
  const numbers = { id: body.readUInt16BE(4), sequence: body.readUInt16BE(6) };
  return { kind: 'echo', ...ip, reply: body.readUInt8(0) === reply, ...numbers };
}

function neighbour(ip: Ip, body: Buffer): Neighbour | null {
  const type = body.length < 24 ? 0 : body.readUInt8(0);
  if (type !== 135 && type !== 136) return null;
  // Its link-layer option may come first only, as all that we know of send it.
  const told = body.length >= 32 && body.readUInt8(24) === type - 134 && body.readUInt8(25) === 1;
  const mac = told ? macText(body, 26) : null;
  return { kind: 'neighbour', ...ip, advertisement: type === 136, target: ipText(body, 8, 6), mac };
}

/** UDP header, then the message: RFC 2131 figure 1, with 236 bytes before the cookie and the options. */
function dhcp(ip: Ip, body: Buffer): Dhcp | null {
  const ports = body.length < 8 + 44 ? 0 : body.readUInt32BE(0);
  if (ports !== CLIENT_TO_SERVER && ports !== SERVER_TO_CLIENT) return null;
  const message = body.subarray(8);
  const reply = message.readUInt8(0) === 2;
  const own = ipText(message, 12, 4);
  const given = ipText(message, 16, 4);
  const named = reply ? given : own === NOBODY ? requested(message) : own;
  const address = named === NOBODY ? null : named;
  return { kind: 'dhcp', ...ip, reply, client: macText(message, 28), address };
}

const CLIENT_TO_SERVER = (68 << 16) | 67;
const SERVER_TO_CLIENT = (67 << 16) | 68;
const REQUESTED_ADDRESS = 50;

/** Option 50; 0.0.0.0 where there is none. */
function requested(message: Buffer): string {
  for (let at = 240; at + 1 < message.length; ) {
    const code = message.readUInt8(at);
    if (code === 255) break;
    const length = code === 0 ? -1 : message.readUInt8(at + 1);
    if (code === REQUESTED_ADDRESS && length === 4 && at + 6 <= message.length)
      return ipText(message, at + 2, 4);
    at += 2 + length;
  }
  return NOBODY;
}

/** An address that somebody said to have. */
export interface Claim extends Host {
  /** `source` is hearsay: a router's frames bear the addresses of others. */
  readonly by: 'arp' | 'nd' | 'dhcp' | 'source';
}

/** What a frame tells of who has which address; unicast addresses only. */
export function claims({ source, packet }: Frame): Claim[] {
  const found = packet.kind === 'other' ? [] : said(source, packet);
  return found.filter(({ ip }) => isUnicast(ip));
}

function said(mac: string, packet: Exclude<Packet, Other>): Claim[] {
  switch (packet.kind) {
    case 'arp':
      return [{ ...packet.sender, by: 'arp' }];
    case 'neighbour':
      // A solicitation from nowhere is duplicate detection: its sender is about to take the target.
      if (packet.advertisement) return [{ mac, ip: packet.target, by: 'nd' }];
      return [{ mac, ip: packet.source === '::' ? packet.target : packet.source, by: 'nd' }];
    case 'dhcp':
      return packet.address === null ? [] : [{ mac: packet.client, ip: packet.address, by: 'dhcp' }];
    default:
      return [{ mac, ip: packet.source, by: 'source' }];
  }
}

/** An address of one machine. */
export const isUnicast = (ip: string) =>
  ip.includes(':') ? !/^(ff|::1?$)/.test(ip) : !/^(0|127|22[4-9]|23\d|24\d|25[0-5])\./.test(ip);
