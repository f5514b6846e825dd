import { ADDRESS_BITS, type Cidr, formatIp, parseIp, subnetText } from '../cidr.js';
import { quote } from '../quote.js';
import type { Fault } from './name-fault.js';

/** Why a text is no address with prefix. */
export function cidrFault(text: string): Fault {
  const [ip = '', ...prefixes] = text.split('/');
  const parsed = parseIp(ip);
  if (parsed === null) return { message: `${quote(text)} is not an address with prefix`, fix: hint(ip) };
  const whole = `the address ${quote(text)}`;
  const example = `"${formatIp(parsed.family, parsed.value)}/${parsed.family === 4 ? 24 : 64}"`;
  if (prefixes.length === 0)
    return { message: `${whole} has no prefix`, fix: `write one, such as ${example}` };
  return {
    message: `${whole} has a bad prefix`,
    fix: `write a number from 1 to ${ADDRESS_BITS[parsed.family]}, such as ${example}`,
  };
}

/** What to write instead of a text that is no address alone. */
export const hostFix = (text: string, example = '"192.168.1.1" or "fd00::1"') =>
  text.includes('/') ? 'leave out the prefix, the part from "/" on' : `write one such as ${example}`;

function hint(ip: string): string {
  if (/(^|\.)0[0-9]/.test(ip)) return 'leave out leading zeros: some programs read them as octal';
  if (ip.includes('%')) return 'leave out the zone, the part from "%" on';
  if (/^dhcp/i.test(ip)) return 'leave "address" out where DHCP gives one';
  return 'write one such as "192.168.1.50/24" or "fd00::50/64"';
}

/** First and last address that nobody may have as his own. */
const NEVER: readonly [family: 4 | 6, first: bigint, last: bigint, what: string][] = [
  [4, 0x00000000n, 0x00ffffffn, 'is in 0.0.0.0/8, "this network"'],
  [4, 0x7f000000n, 0x7fffffffn, 'is a loopback address'],
  [4, 0xe0000000n, 0xefffffffn, 'is a multicast address'],
  [4, 0xf0000000n, 0xffffffffn, 'is in a reserved range'],
  [6, 0n, 0n, 'is the unspecified address'],
  [6, 1n, 1n, 'is the loopback address'],
  [6, 0xffffn << 32n, (0xffffn << 32n) + 0xffffffffn, 'is an IPv4 address written as IPv6'],
  [6, 0xffn << 120n, (1n << 128n) - 1n, 'is a multicast address'],
];

/** Why a well-formed address cannot be that of an interface, or null. */
export function useFault(cidr: Cidr): Fault | null {
  const range = NEVER.find(
    ([family, first, last]) => family === cidr.family && cidr.value >= first && cidr.value <= last,
  );
  const what = range?.[3] ?? (cidr.prefix === 0 ? 'has the prefix 0, the whole internet' : edge(cidr));
  if (what === null) return null;
  return {
    message: `the address ${cidr.address}/${cidr.prefix} ${what}`,
    fix: 'choose an address of a host in your subnet',
  };
}

/** Subnets of one or two addresses have no edges (RFC 3021, RFC 6164); IPv6 has no broadcast. */
function edge(cidr: Cidr): string | null {
  if (cidr.prefix >= ADDRESS_BITS[cidr.family] - 1) return null;
  if (cidr.value === cidr.network) return `is the network address of ${subnetText(cidr)}`;
  return cidr.family === 4 && cidr.value === cidr.last
    ? `is the broadcast address of ${subnetText(cidr)}`
    : null;
}
