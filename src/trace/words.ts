import type { CapturedFrame } from '../drivers/pcap.js';
import { ARP, ICMP, ICMPV6, IPV4, IPV6, UDP, view } from '../verify/octets.js';
import { type Packet, parsePacket } from '../verify/packets.js';

export const TCP = 6;

/** What a frame says, as people say it. Every word of it is made here: nothing of the frame's text is shown. */
export function wordsOf({ protocol, data }: Pick<CapturedFrame, 'protocol' | 'data'>): string {
  const packet = parsePacket(protocol, data);
  switch (packet.kind) {
    case 'arp':
      if (packet.reply) return `ARP ${packet.sender.ip} is at ${packet.sender.mac}`;
      return `ARP who has ${packet.target}? asks ${packet.sender.ip}`;
    case 'echo':
      return `${packet.family === 4 ? 'ICMP' : 'ICMPv6'} echo ${packet.reply ? 'reply' : 'request'} ${ends(packet)}, seq ${packet.sequence}`;
    case 'neighbour':
      return packet.advertisement
        ? `neighbour advertisement of ${packet.target}`
        : `neighbour solicitation for ${packet.target}`;
    case 'dhcp':
      return `DHCP ${packet.reply ? 'answer to' : 'question of'} ${packet.client}`;
    case 'ip':
      return ofIp(packet, transport(protocol, data));
    default:
      return `EtherType 0x${packet.etherType.toString(16).padStart(4, '0')}`;
  }
}

const ends = ({ source, destination }: { source: string; destination: string }) =>
  `${source} → ${destination}`;

function ofIp(packet: Packet & { kind: 'ip' }, body: Buffer): string {
  const name = { [TCP]: 'TCP', [UDP]: 'UDP' }[packet.protocol];
  if (name === undefined || body.length < 4) return `${protocolName(packet, body)} ${ends(packet)}`;
  const at = (address: string, port: number) =>
    `${packet.family === 6 ? `[${address}]` : address}:${body.readUInt16BE(port)}`;
  const flags = packet.protocol === TCP ? tcpFlags(body) : '';
  return `${name}${flags && ` ${flags}`} ${at(packet.source, 0)} → ${at(packet.destination, 2)}`;
}

function protocolName({ family, protocol }: Packet & { kind: 'ip' }, body: Buffer): string {
  const icmp = { [ICMP]: 'ICMP', [ICMPV6]: 'ICMPv6' }[protocol];
  if (icmp !== undefined) return body.length > 0 ? `${icmp} type ${body.readUInt8(0)}` : icmp;
  return `IPv${family} protocol ${protocol}`;
}

/** Bits of RFC 9293 that tell what a segment is for. */
const FLAGS = { FIN: 1, SYN: 2, RST: 4, ACK: 16 };

function tcpFlags(body: Buffer): string {
  if (body.length < 14) return '';
  const bits = body.readUInt8(13);
  return Object.entries(FLAGS)
    .filter(([, bit]) => bits & bit)
    .map(([name]) => name)
    .join('+');
}

/** What follows the IP header; empty in a later fragment. */
export function transport(protocol: number, data: Uint8Array): Buffer {
  const packet = view(data);
  if (protocol === IPV6) return packet.subarray(40);
  if (protocol !== IPV4 || packet.length < 20 || (packet.readUInt16BE(6) & 0x1fff) !== 0)
    return Buffer.alloc(0);
  return packet.subarray((packet.readUInt8(0) & 15) * 4);
}

/** By what the frame says, since a cooked capture has no destination MAC. */
export function isMulticast({ protocol, data }: Pick<CapturedFrame, 'protocol' | 'data'>): boolean {
  const packet = parsePacket(protocol, data);
  if (protocol === ARP) return packet.kind !== 'arp' || !packet.reply;
  if (packet.kind === 'other' || packet.kind === 'arp') return true;
  if (packet.family === 6) return packet.destination.startsWith('ff');
  return Number(packet.destination.split('.')[0]) >= 224;
}
