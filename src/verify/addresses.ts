import { type Cidr, formatIp, parseCidr, subnetText } from '../lab/cidr.js';
import type { Target } from './targets.js';

/** An IPv4 subnet that guests of a bridge are in. */
export interface Subnet extends Cidr {
  /** `192.0.2.0/24` */
  readonly text: string;
}

/** The IPv4 subnets of these NICs, each once. */
export function subnetsOf(targets: readonly Target[]): Subnet[] {
  const subnets = targets.flatMap(({ nic }) => nic.addresses).flatMap(text => subnetOf(text) ?? []);
  return [...new Map(subnets.map(subnet => [subnet.text, subnet] as const)).values()];
}

/** The IPv4 subnet of an address with its prefix; null for any other. */
export function subnetOf(text: string): Subnet | null {
  const cidr = parseCidr(text);
  return cidr?.family === 4 ? { ...cidr, text: subnetText(cidr) } : null;
}

/** Is an address, without prefix, of a subnet? */
export function isIn({ family, network, last }: Cidr, address: string): boolean {
  const it = parseCidr(`${address}/${address.includes(':') ? 128 : 32}`);
  return it !== null && it.family === family && it.value >= network && it.value <= last;
}

/** How many addresses are tried before a subnet counts as full. */
const TRIES = 8;

/** Addresses to borrow, from the top of the subnet, where DHCP ranges and people seldom are. */
export function borrowCandidates(subnet: Subnet, taken: ReadonlySet<string>): string[] {
  const candidates: string[] = [];
  for (let value = subnet.last - 1n; value > subnet.network && candidates.length < TRIES; value--) {
    const address = formatIp(4, value);
    if (!taken.has(address)) candidates.push(address);
  }
  return candidates;
}

/** Link-local address that a guest derives from its MAC by default (RFC 4291, modified EUI-64). */
export function linkLocal(mac: string): string {
  const bytes = mac.split(':').map(byte => Number.parseInt(byte, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const hex = (high: number, low: number) => ((high << 8) | low).toString(16);
  return `fe80::${hex(a ^ 2, b)}:${hex(c, 0xff)}:${hex(0xfe, d)}:${hex(e, f)}`;
}
