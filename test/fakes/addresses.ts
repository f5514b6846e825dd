import type { Address, Route } from '../../src/host/model.js';
import { formatIp, parseCidr, parseIp } from '../../src/lab/cidr.js';
import { familyOf } from './words.js';

/** How Linux orders a link's addresses, and which subnet each stands for. */

/** A destination as a CIDR. */
export const withPrefix = (dst: string) =>
  dst.includes('/') ? dst : `${dst}/${familyOf(dst) === 4 ? 32 : 128}`;

export function contains(dst: string, address: string): boolean {
  const net = parseCidr(withPrefix(dst));
  const ip = parseIp(address);
  return (
    net !== null && ip !== null && net.family === ip.family && net.network <= ip.value && ip.value <= net.last
  );
}

/** Destination of an address's prefix route, as ip prints it: a host route without its prefix. */
function prefixOf(family: 4 | 6, local: string, prefix: number): string {
  const cidr = parseCidr(`${local}/${prefix}`);
  if (!cidr) throw new Error(`not an address: ${local}/${prefix}`);
  const network = formatIp(family, cidr.network);
  return prefix === (family === 4 ? 32 : 128) ? network : `${network}/${prefix}`;
}

/** Routes that the kernel adds with an address: to its subnet or its peer, with IPv6 to both. */
export function prefixRoutes(dev: string, address: Address): Route[] {
  const { family, local, peer, prefix, metric } = address;
  if (address.flags.includes('noprefixroute')) return [];
  if (family === 4 && prefix === 32 && peer === null) return [];
  const destinations =
    family === 6 && peer !== null
      ? [prefixOf(6, local, prefix), prefixOf(6, peer, 128)]
      : [prefixOf(family, peer ?? local, prefix)];
  return destinations.map(dst => ({
    family,
    type: 'unicast',
    dst,
    table: 'main',
    gateway: null,
    via: null,
    dev,
    protocol: 'kernel',
    scope: family === 4 ? 'link' : 'global',
    prefsrc: family === 4 ? local : null,
    src: null,
    metric: metric ?? (family === 6 ? 256 : null),
    onlink: false,
    metrics: [],
    nexthops: [],
    pref: family === 6 ? 'medium' : null,
  }));
}

export const sameSubnet = (a: Address, b: Address) =>
  a.family === b.family &&
  a.prefix === b.prefix &&
  prefixOf(a.family, a.peer ?? a.local, a.prefix) === prefixOf(b.family, b.peer ?? b.local, b.prefix);

const SCOPES = ['global', 'site', 'link', 'host'];
const width = ({ scope }: Address) => SCOPES.indexOf(scope);

/** IPv4: primaries by scope, each behind its like, then secondaries (`__inet_insert_ifa`). IPv6: by scope, each before its like. */
export function inserted(addresses: readonly Address[], address: Address, secondary: boolean): Address[] {
  const four = addresses.filter(({ family }) => family === 4);
  const six = addresses.filter(({ family }) => family === 6);
  if (address.family === 6) {
    const at = six.findIndex(other => width(other) >= width(address));
    six.splice(at === -1 ? six.length : at, 0, address);
  } else if (secondary) four.push(address);
  else {
    const isSecondary = (it: Address, i: number) => four.slice(0, i).some(other => sameSubnet(other, it));
    const at = four.findLastIndex((other, i) => !isSecondary(other, i) && width(address) <= width(other));
    four.splice(at + 1, 0, address);
  }
  return [...four, ...six];
}

/** The address that a link gives itself (RFC 4291, modified EUI-64). */
export function linkLocalOf(mac: string): Address {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map(byte => Number.parseInt(byte, 16));
  const value = [(a ^ 2) * 256 + b, c * 256 + 0xff, 0xfe00 + d, e * 256 + f].reduce(
    (sum, group) => (sum << 16n) | BigInt(group),
    0xfe80n << 48n,
  );
  return {
    family: 6,
    local: formatIp(6, value),
    prefix: 64,
    peer: null,
    broadcast: null,
    scope: 'link',
    label: null,
    metric: null,
    flags: [],
    protocol: null,
    dynamic: false,
    validLifetime: null,
    preferredLifetime: null,
  };
}
