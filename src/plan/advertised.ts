import type { Address, HostState, Link, Route } from '../host/model.js';
import { parseIp } from '../lab/cidr.js';

// What the kernel has from router advertisements (RFC 4861, RFC 4862), and goes on having after a move.

const conf = (host: HostState, dev: string, key: string) => host.sysctls[`net/ipv6/conf/${dev}/${key}`];

/** Linux: ipv6_accept_ra. */
function acceptsAdvertisements(host: HostState, dev: string): boolean {
  const accepts = conf(host, dev, 'accept_ra');
  return accepts === '2' || (accepts === '1' && conf(host, dev, 'forwarding') === '0');
}

/**
 * Does the kernel itself renew this address, on the uplink now and on its bridge after the move? It does so for what
 * it made from the MAC, which the bridge has as well. Addresses from a secret also hang on a NIC's permanent MAC, which no
 * bridge has; temporary ones are made anew.
 */
export function keptByKernel(address: Address, uplink: Link, host: HostState): boolean {
  const made = address.protocol === null || address.protocol === 'kernel_ra';
  return (
    address.family === 6 &&
    made &&
    !address.flags.includes('noprefixroute') &&
    acceptsAdvertisements(host, uplink.name) &&
    conf(host, uplink.name, 'autoconf') !== '0' &&
    (address.temporary === true || (address.prefix === 64 && isFromMac(address, uplink.mac)))
  );
}

/** Is the interface's part of an address its MAC (RFC 4291, modified EUI-64)? */
export function isFromMac({ family, local }: Address, mac: string): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map(byte => Number.parseInt(byte, 16));
  const id = [a ^ 2, b, c, 0xff, 0xfe, d, e, f].reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const ip = parseIp(local);
  return family === 6 && ip !== null && (ip.value & 0xffff_ffff_ffff_ffffn) === id;
}

/** A default route that the kernel learned from a router, and will learn again where it moves to. */
export interface Advertised {
  readonly gateway: string;
  /** What the kernel gives it. */
  readonly metric: number;
  /** As observed: the kernel's own, and what stands in for it. */
  readonly routes: readonly Route[];
}

/** Linux: IP6_RT_PRIO_USER, and how many routers we know of at most. */
const METRIC = 1024;
const ROUTERS = 16;

/** The routers of an interface. */
export function advertisedOn(host: HostState, dev: string): Advertised[] {
  if (!acceptsAdvertisements(host, dev)) return [];
  const metric = Number(conf(host, dev, 'ra_defrtr_metric') ?? METRIC);
  const learned = host.routes.filter(
    route =>
      route.family === 6 &&
      route.dst === 'default' &&
      route.protocol === 'ra' &&
      route.table === 'main' &&
      route.dev === dev &&
      route.expires !== undefined &&
      (route.metric ?? 0) >= metric &&
      (route.metric ?? 0) <= metric + ROUTERS,
  );
  const gateways = [...new Set(learned.map(({ gateway }) => gateway))].filter(gateway => gateway !== null);
  return gateways.map(gateway => ({
    gateway,
    metric,
    routes: learned.filter(route => route.gateway === gateway),
  }));
}

/**
 * What stands in for a router's default route until its next advertisement. The kernel takes a route that was added
 * by hand for its own only by halves: of the same metric, it would drop each advertisement, prefixes and all, since the
 * route cannot be added (Linux: ndisc_router_discovery, rt6_add_dflt_router). Hence another metric for each.
 */
export const standIns = (routers: readonly Advertised[], dev: string): Route[] =>
  routers.flatMap(({ routes: [route], metric }, i) =>
    route === undefined ? [] : [{ ...route, dev, metric: metric + 1 + i }],
  );
