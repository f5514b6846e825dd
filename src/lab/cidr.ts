import { isIPv4, isIPv6 } from 'node:net';

/** An interface address with its prefix. Values are whole numbers, so that two ways to write one address are equal. */
export interface Cidr {
  readonly family: 4 | 6;
  /** The address alone, as the kernel prints it: lower case, longest run of zeros as `::`. */
  readonly address: string;
  readonly prefix: number;
  readonly value: bigint;
  /** First address of the subnet. */
  readonly network: bigint;
  /** Last address of the subnet; with IPv4 the broadcast address. */
  readonly last: bigint;
}

export const ADDRESS_BITS = { 4: 32, 6: 128 } as const;

/** `192.168.1.50/24` or `fd00::1/64`; null if it is not exactly that. No zone, no leading zeros, no missing prefix. */
export function parseCidr(text: string): Cidr | null {
  const [, ip = '', digits = ''] = /^([0-9A-Fa-f:.]+)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? [];
  const parsed = parseIp(ip);
  const prefix = Number(digits);
  if (parsed === null || prefix > ADDRESS_BITS[parsed.family]) return null;
  const host = (1n << BigInt(ADDRESS_BITS[parsed.family] - prefix)) - 1n;
  const network = parsed.value - (parsed.value & host);
  return { ...parsed, address: formatIp(parsed.family, parsed.value), prefix, network, last: network + host };
}

/** The address of a CIDR as it is written, without its prefix. */
export const bare = (cidr: string) => cidr.split('/')[0] ?? cidr;

/** An address without prefix to its family and value; null if it is none. */
export function parseIp(text: string): { family: 4 | 6; value: bigint } | null {
  if (isIPv4(text)) return { family: 4, value: joinParts(text.split('.').map(Number), 8n) };
  return isIPv6(text) && !text.includes('%') ? { family: 6, value: joinParts(groups(text), 16n) } : null;
}

/** The inverse of {@link parseIp}, in the form of RFC 5952. */
export function formatIp(family: 4 | 6, value: bigint): string {
  if (family === 4) return splitParts(value, 4, 8n).join('.');
  const all = splitParts(value, 8, 16n).map(part => part.toString(16));
  const zeros = longestZeros(all);
  if (zeros.length < 2) return all.join(':');
  return `${all.slice(0, zeros.start).join(':')}::${all.slice(zeros.start + zeros.length).join(':')}`;
}

/** Whether the subnet of `subnet` holds the address of `cidr`. */
export const contains = (subnet: Cidr, cidr: Cidr) =>
  subnet.family === cidr.family && cidr.value >= subnet.network && cidr.value <= subnet.last;

/** Have two subnets an address in common? */
export const overlap = (a: Cidr, b: Cidr) =>
  a.family === b.family && a.network <= b.last && b.network <= a.last;

/** fe80::/10, which means another network on each link. */
export const isLinkLocal = ({ family, value }: Cidr) => family === 6 && value >> 118n === 0x3fan;

/** One address alone, such as `192.168.1.1`, as a subnet of itself; null if it is none. */
export function parseHost(text: string): Cidr | null {
  const ip = parseIp(text);
  return ip === null ? null : parseCidr(`${formatIp(ip.family, ip.value)}/${ADDRESS_BITS[ip.family]}`);
}

/** The same address, whatever the prefixes. */
export const sameAddress = (a: Cidr, b: Cidr) => a.family === b.family && a.value === b.value;

/** The subnet for people: `192.168.1.0/24`. */
export const subnetText = (cidr: Cidr) => `${formatIp(cidr.family, cidr.network)}/${cidr.prefix}`;

/** The eight groups of an IPv6 address that is known to be well formed. */
function groups(text: string): number[] {
  const dotted = /^(.*:)([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(text);
  if (dotted !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(2).map(Number);
    return groups(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head = '', tail] = text.split('::').map(half => half);
  const before = hexGroups(head);
  const after = hexGroups(tail ?? '');
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

const hexGroups = (text: string) =>
  text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16));

const joinParts = (parts: readonly number[], bits: bigint) =>
  parts.reduce((value, part) => (value << bits) | BigInt(part), 0n);

const splitParts = (value: bigint, count: number, bits: bigint) =>
  Array.from({ length: count }, (_, index) =>
    Number((value >> (bits * BigInt(count - 1 - index))) & ((1n << bits) - 1n)),
  );

function longestZeros(parts: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < parts.length; start++) {
    let end = start;
    while (parts[end] === '0') end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}
