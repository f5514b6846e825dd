import { BROADCAST, ip4, udp } from './frames.js';
import { type Host, IPV4, ipText, macBytes, NOBODY, UDP, view } from './octets.js';

// What is asked of a DHCP and DNS server, and what a resolver answers.

const EVERYBODY: Host = { mac: BROADCAST, ip: '255.255.255.255' };

/**
 * DHCPDISCOVER, as broadcast that asks for a broadcast answer (RFC 2131, 4.1): no lease comes of it.
 * @param client whose MAC it is asked for; the frame itself comes from `mac`
 */
export function dhcpDiscover(mac: string, client: string, transaction: number): Uint8Array {
  const message = Buffer.alloc(300);
  message.set([1, 1, 6, 0]);
  message.writeUInt32BE(transaction, 4);
  message.writeUInt16BE(0x8000, 10);
  message.set(macBytes(client), 28);
  // The magic cookie; option 53, DISCOVER; the end.
  message.set([99, 130, 83, 99, 53, 1, 1, 255], 236);
  return ip4({ mac, ip: NOBODY }, EVERYBODY, UDP, udp(68, 67, message));
}

/** A query for the IPv4 address of a name of letters, digits, `-`, `_` and dots (RFC 1035, 4.1). */
export function dnsQuery(from: Host, port: number, to: Host, name: string, id: number): Uint8Array {
  const labels = name.split('.').flatMap(label => [label.length, ...Buffer.from(label, 'latin1')]);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x0100, 2); // recursion desired
  head.writeUInt16BE(1, 4);
  return ip4(from, to, UDP, udp(port, 53, Buffer.concat([head, Buffer.from([...labels, 0, 0, 1, 0, 1])])));
}

export interface DnsAnswer {
  readonly id: number;
  /** RFC 1035: 0 is fine, 3 says that there is no such name. */
  readonly code: number;
  /** IPv4. */
  readonly addresses: readonly string[];
}

/** The answer in an Ethernet frame to this port of ours; null where it is something else, or cut. */
export function dnsAnswer(frame: Uint8Array, port: number): DnsAnswer | null {
  const bytes = view(frame);
  if (bytes.length < 14 + 20 + 8 + 12 || bytes.readUInt16BE(12) !== IPV4) return null;
  const udp = bytes.subarray(14 + (bytes.readUInt8(14) & 15) * 4);
  if (bytes.readUInt8(14 + 9) !== UDP || udp.length < 8 + 12) return null;
  if (udp.readUInt16BE(0) !== 53 || udp.readUInt16BE(2) !== port) return null;
  const message = udp.subarray(8);
  if ((message.readUInt8(2) & 0x80) === 0) return null;
  return { id: message.readUInt16BE(0), code: message.readUInt8(3) & 15, addresses: addressesIn(message) };
}

function addressesIn(message: Buffer): string[] {
  const found: string[] = [];
  let at = 12;
  for (let questions = message.readUInt16BE(4); questions > 0; questions--) at = behindName(message, at) + 4;
  for (let answers = message.readUInt16BE(6); answers > 0; answers--) {
    at = behindName(message, at);
    if (at + 10 > message.length) break;
    const length = message.readUInt16BE(at + 8);
    if (message.readUInt16BE(at) === 1 && length === 4 && at + 14 <= message.length)
      found.push(ipText(message, at + 10, 4));
    at += 10 + length;
  }
  return found;
}

/** A name ends with an empty label, or points to the rest of it. */
function behindName(message: Buffer, start: number): number {
  let at = start;
  while (at < message.length) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) return at + 2;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
  return at;
}
