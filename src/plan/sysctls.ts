import type { HostState } from '../host/model.js';

// Per-interface sysctls: a bridge that takes an uplink's place behaves as the uplink did.

/** Where they are, with how each name follows. */
const TREES = ['net/ipv4/conf', 'net/ipv6/conf', 'net/ipv4/neigh', 'net/ipv6/neigh'];

/** What a bridge does not take over, each for its reason. */
const OWN: readonly RegExp[] = [
  // Follows the link, and what routers advertise.
  /^net\/ipv6\/conf\/[^/]+\/mtu$/,
  // Set together with the move itself.
  /\/(addr_gen_mode|accept_dad)$/,
  // Read only: they follow from multicast routing daemons.
  /\/mc_forwarding$/,
  // Which traffic goes without IPsec is said of a device, and only its owner says so of another.
  /\/(disable_xfrm|disable_policy)$/,
  // The same values again in other units.
  /^net\/ipv[46]\/neigh\/[^/]+\/(base_reachable_time|retrans_time|unres_qlen)$/,
];

/** A sysctl of an interface. */
interface Sysctl {
  readonly path: string;
  readonly value: string;
}

/** What has to be set on a bridge, new or not, so that it is as the uplink; in the order to write it in. */
export function inherited(host: HostState, uplink: string, bridge: string): Sysctl[] {
  return TREES.flatMap(tree => {
    const start = `${tree}/${uplink}/`;
    const keys = Object.keys(host.sysctls).filter(path => path.startsWith(start));
    return keys.sort().flatMap(path => {
      const key = path.slice(start.length);
      const now = host.sysctls[`${tree}/${bridge}/${key}`] ?? host.sysctls[`${tree}/default/${key}`];
      const value = host.sysctls[path];
      if (now === undefined || value === undefined || now === value || OWN.some(own => own.test(path)))
        return [];
      return [{ path: `${tree}/${bridge}/${key}`, value }];
    });
  });
}

/** How those of them are now that the host has already: a new bridge has none. */
export const asNow = (host: HostState, paths: readonly { readonly path: string }[]): Sysctl[] =>
  paths.flatMap(({ path }) => {
    const value = host.sysctls[path];
    return value === undefined ? [] : [{ path, value }];
  });
