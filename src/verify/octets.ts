import { formatIp, parseIp } from '../lab/cidr.js';

// Numbers that both frames and packets are made of, and addresses as bytes.

/** A link-layer address and the IP address that goes with it. */
export interface Host {
  readonly mac: string;
  readonly ip: string;
}

/** EtherTypes. */
export const ARP = 0x0806;
export const IPV4 = 0x0800;
export const IPV6 = 0x86dd;

/** IP protocols. */
export const ICMP = 1;
export const UDP = 17;
export const ICMPV6 = 58;

/** The sender of an ARP probe. */
export const NOBODY = '0.0.0.0';

export const view = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

export const macBytes = (mac: string) => mac.split(':').map(byte => Number.parseInt(byte, 16));

export const macText = (bytes: Buffer, at: number) =>
  bytes.toString('hex', at, at + 6).replace(/..(?!$)/g, '$&:');

export function ipBytes(ip: string): number[] {
  if (!ip.includes(':')) return ip.split('.').map(Number);
  return [...Buffer.from((parseIp(ip)?.value ?? 0n).toString(16).padStart(32, '0'), 'hex')];
}

export function ipText(bytes: Buffer, at: number, family: 4 | 6): string {
  if (family === 4) return bytes.subarray(at, at + 4).join('.');
  return formatIp(6, BigInt(`0x${bytes.toString('hex', at, at + 16)}`));
}
