import { createHash } from 'node:crypto';
import type { HostState } from '../host/model.js';
import { ADDRESS_BITS, type Cidr, formatIp, parseCidr } from '../lab/cidr.js';
import type { Bridge, Lab } from '../lab/model.js';
import { type Claim, claimsOf, overlap } from './claims.js';
import { linkNamed, linkOf, marksOf } from './links.js';
import type { PlanProblem } from './problems.js';

// Free subnets for bridges whose address is "auto".

/**
 * Where they are looked for, all /24: first in 10.192.0.0/11, away from what home routers, Docker, LXD and Kubernetes
 * have by default; then where a VPN claims all of 10.0.0.0/8. libvirt's 192.168.122.0/24 is never taken.
 */
const POOLS: readonly { readonly first: string; readonly count: number }[] = [
  { first: '10.192.0.0/24', count: 8192 },
  { first: '192.168.100.0/24', count: 22 },
  { first: '192.168.123.0/24', count: 132 },
];

/** The same for people. */
export const POOL_TEXT = '10.192.0.0/11 and 192.168.100.0 to 192.168.254.255';

/** The lab with a subnet for each bridge that asks for any: the one that it has, or a free one. */
export function settled(lab: Lab, host: HostState, problems: PlanProblem[]): Lab {
  if (!lab.bridges.some(({ address }) => address.mode === 'auto')) return lab;
  const claims = claimsOf(lab, host);
  const bridges = lab.bridges.map((bridge): Bridge => {
    if (bridge.address.mode !== 'auto') return bridge;
    const cidr = present(bridge, host) ?? free(bridge, lab, host, claims);
    if (cidr === null) {
      problems.push(exhausted(bridge, claims));
      return bridge;
    }
    claims.push({ subnet: cidr, who: `bridge ${bridge.name} of this lab` });
    return { ...bridge, address: { mode: 'auto', cidrs: [`${cidr.address}/${cidr.prefix}`] } };
  });
  return { ...lab, bridges };
}

/** What the bridge was given, by this lab or by one that it is shared with: kept, whatever has come beside it since. */
function present(bridge: Bridge, host: HostState): Cidr | null {
  const named = linkNamed(host, bridge.name);
  const link = linkOf(bridge, host) ?? (named && marksOf(named).length > 0 ? named : undefined);
  const addresses = (link?.addresses ?? []).flatMap(
    ({ local, prefix }) => parseCidr(`${local}/${prefix}`) ?? [],
  );
  const given = recorded(bridge, host);
  return (
    addresses.find(cidr => given.some(({ value }) => value === cidr.value)) ??
    addresses.find(cidr => isOfPool(cidr)) ??
    null
  );
}

/** Addresses of a bridge of this name in records that speak of it: the lab's own, whatever the boot, first. */
const recorded = (bridge: Bridge, host: HostState): Cidr[] =>
  host.records
    .flatMap(({ lab }) => lab.bridges)
    .filter(other => other.altname === bridge.altname)
    .flatMap(({ address }) => (address.mode === 'auto' ? address.cidrs : []))
    .flatMap(cidr => parseCidr(cidr) ?? []);

/** The one that it had before, as after a reboot; else the first that is free, from a place on that the names tell. */
function free(bridge: Bridge, lab: Lab, host: HostState, claims: readonly Claim[]): Cidr | null {
  const isFree = (cidr: Cidr) => !claims.some(({ subnet }) => overlap(subnet, cidr));
  const before = recorded(bridge, host).find(isFree);
  if (before) return before;
  const start = createHash('sha256').update(`subnet/${lab.name}/${bridge.name}`).digest().readUInt32BE();
  for (const { first, count } of POOLS)
    for (let i = 0; i < count; i++) {
      const cidr = gateway(first, (start + i) % count);
      if (isFree(cidr)) return cidr;
    }
  return null;
}

/** The host's address in the n-th subnet of a pool. */
function gateway(first: string, n: number): Cidr {
  const { network = 0n, prefix = 24 } = parseCidr(first) ?? {};
  const value = network + (BigInt(n) << BigInt(ADDRESS_BITS[4] - prefix)) + 1n;
  return parseCidr(`${formatIp(4, value)}/${prefix}`) as Cidr;
}

const isOfPool = ({ family, prefix, network }: Cidr) =>
  family === 4 &&
  POOLS.some(({ first, count }) => {
    const pool = parseCidr(first) as Cidr;
    return prefix === pool.prefix && network >= pool.network && network < pool.network + BigInt(count * 256);
  });

/** How many of those that have it all are named. */
const SHOWN = 4;

function exhausted(bridge: Bridge, claims: readonly Claim[]): PlanProblem {
  const pools = POOLS.map(({ first, count }) => ({
    ...(parseCidr(first) as Cidr),
    last: (parseCidr(first)?.network ?? 0n) + BigInt(count * 256) - 1n,
  }));
  const there = claims
    .filter(({ subnet }) => pools.some(pool => overlap(pool, subnet)))
    .sort((a, b) => a.subnet.prefix - b.subnet.prefix)
    .map(({ who }) => who);
  const more = there.length > SHOWN ? `, and ${there.length - SHOWN} more` : '';
  return {
    code: 'conflict',
    message: `bridges.${bridge.name}.address: "auto" finds no free subnet, all of ${POOL_TEXT} is in use: ${there.slice(0, SHOWN).join('; ')}${more}`,
    fix: 'Give the bridge an address in a subnet that is free here, such as "address": "172.28.0.1/24".',
  };
}
