import { formatIp, parseIp } from '../lab/cidr.js';
import { ARP, type Host, ICMP, ICMPV6, IPV4, IPV6, ipBytes, macBytes, macText, NOBODY } from './octets.js';

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** Shortest frame without its checksum. */
const SHORTEST = 60;

/** `to`: where the frame goes, by default to everyone. With the sender 0.0.0.0 it is a probe (RFC 5227). */
export const arpRequest = (from: Host, target: string, to = BROADCAST) =>
  arp(1, from, { mac: '00:00:00:00:00:00', ip: target }, to);

export const arpProbe = (mac: string, target: string, to = BROADCAST) =>
  arpRequest({ mac, ip: NOBODY }, target, to);

export const arpReply = (from: Host, to: Host) => arp(2, from, to, to.mac);

function arp(operation: 1 | 2, from: Host, target: Host, to: string): Uint8Array {
  const body = [
    ...[0, 1, IPV4 >> 8, IPV4 & 255, 6, 4, 0, operation],
    ...[...macBytes(from.mac), ...ipBytes(from.ip), ...macBytes(target.mac), ...ipBytes(target.ip)],
  ];
  return ethernet(to, from.mac, ARP, Buffer.from(body));
}

export interface EchoOptions {
  readonly id: number;
  readonly sequence: number;
  /** Bytes of the whole IP packet; default: no more than the headers and a few. */
  readonly size?: number;
  /** Time to live, or hop limit; default: enough for any way. */
  readonly hops?: number;
}

/** Where an echo message names the MAC that was asked. */
export const ASKED_AT = 8 + 6;

/** Echo request of either family. IPv4 with DF set; IPv6 is never fragmented on its way. */
export function echoRequest(from: Host, to: Host, { id, sequence, size, hops }: EchoOptions): Uint8Array {
  const six = to.ip.includes(':');
  const headers = six ? 40 + 8 : 20 + 8;
  const message = Buffer.alloc(8 + Math.max(0, (size ?? headers + 16) - headers), 'vmnet');
  // Whom it was for shows in the answer, whoever passes it on.
  if (message.length >= ASKED_AT + 6) message.set(macBytes(to.mac), ASKED_AT);
  message.fill(0, 0, 4);
  message[0] = six ? 128 : 8;
  message.writeUInt16BE(id, 4);
  message.writeUInt16BE(sequence, 6);
  return six ? icmp6(from, to, message, hops) : icmp4(from, to, message, hops);
}

/** Who has `target`? Sent to its solicited-node group, or in a frame to `to` alone; tells our own MAC. */
export function solicitation(from: Host, target: string, to?: string): Uint8Array {
  const group = solicitedNode(target);
  const message = Buffer.from([135, 0, 0, 0, 0, 0, 0, 0, ...ipBytes(target), 1, 1, ...macBytes(from.mac)]);
  return icmp6(from, { mac: to ?? multicastMac(group), ip: group }, message);
}

const SOLICITED_AND_OVERRIDE = 0x60;

/** Answer to a solicitation: `from` has its own address. */
export function advertisement(from: Host, to: Host): Uint8Array {
  const flags = [SOLICITED_AND_OVERRIDE, 0, 0, 0];
  const message = Buffer.from([136, 0, 0, 0, ...flags, ...ipBytes(from.ip), 2, 1, ...macBytes(from.mac)]);
  return icmp6(from, to, message);
}

/** All nodes of the link. */
export const ALL_NODES: Host = { mac: '33:33:00:00:00:01', ip: 'ff02::1' };

function icmp4(from: Host, to: Host, message: Buffer, hops = 64): Uint8Array {
  message.writeUInt16BE(checksum(message), 2);
  return ip4(from, to, ICMP, message, hops);
}

/** An IPv4 packet with DF set. */
export function ip4(from: Host, to: Host, protocol: number, body: Uint8Array, hops = 64): Uint8Array {
  const fixed = [0x45, 0, 0, 0, 0, 0, 0x40, 0, hops, protocol, 0, 0];
  const header = Buffer.from([...fixed, ...ipBytes(from.ip), ...ipBytes(to.ip)]);
  header.writeUInt16BE(header.length + body.length, 2);
  header.writeUInt16BE(checksum(header), 10);
  return ethernet(to.mac, from.mac, IPV4, Buffer.concat([header, body]));
}

/** A message of ICMPv6, with its checksum filled in. */
function icmp6(from: Host, to: Host, message: Buffer, hops = 255): Uint8Array {
  return ip6(from, to, ICMPV6, sumIcmp6(from, to, message), hops);
}

/** Its checksum covers the addresses as well. */
export function sumIcmp6(from: Host, to: Host, message: Buffer): Buffer {
  const pseudo = Buffer.from([...ipBytes(from.ip), ...ipBytes(to.ip), 0, 0, 0, 0, 0, 0, 0, ICMPV6]);
  pseudo.writeUInt32BE(message.length, 32);
  message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2);
  return message;
}

/** The hop limit of 255 shows a neighbour that no router was in between. */
export function ip6(from: Host, to: Host, next: number, body: Uint8Array, hops = 255): Uint8Array {
  const header = Buffer.from([0x60, 0, 0, 0, 0, 0, next, hops, ...ipBytes(from.ip), ...ipBytes(to.ip)]);
  header.writeUInt16BE(body.length, 4);
  return ethernet(to.mac, from.mac, IPV6, Buffer.concat([header, body]));
}

/** Without a checksum, as IPv4 allows, and as nobody looks at on the way. */
export function udp(source: number, destination: number, body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(source, 0);
  header.writeUInt16BE(destination, 2);
  header.writeUInt16BE(8 + body.length, 4);
  return Buffer.concat([header, body]);
}

/** `etherType` may be a length, of what IEEE 802.3 has. */
export function ethernet(to: string, from: string, etherType: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.from([...macBytes(to), ...macBytes(from), etherType >> 8, etherType & 255]);
  const padding = Buffer.alloc(Math.max(0, SHORTEST - head.length - payload.length));
  return new Uint8Array(Buffer.concat([head, payload, padding]));
}

/** The Internet checksum (RFC 1071): 0 over a message that holds its own. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}

/** `ff02::1:ffXX:XXXX`, by the last three bytes (RFC 4291). */
export function solicitedNode(address: string): string {
  const value = parseIp(address)?.value ?? 0n;
  return formatIp(6, (0xff0200000000000000000001ffn << 24n) | (value & 0xffffffn));
}

const multicastMac = (group: string) => macText(Buffer.from([0x33, 0x33, ...ipBytes(group).slice(12)]), 0);
