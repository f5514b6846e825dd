import type { HostState } from '../host/model.js';
import { currentRecords } from './netfilter.js';

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

/** A sysctl of a bridge that becomes as its uplink's. */
interface Inherited {
  readonly path: string;
  readonly value: string;
  /** As it is on the bridge, or as a new bridge will have it. */
  readonly before: string;
}

/**
 * What has to be set on a bridge, new or not, so that it is as the uplink; in the order to write it in. Only the
 * first network namespace shows the defaults of `neigh`: `lo` has them as well.
 */
export function inherited(host: HostState, uplink: string, bridge: string): Inherited[] {
  return TREES.flatMap(tree => {
    const start = `${tree}/${uplink}/`;
    const paths = Object.keys(host.sysctls).filter(path => path.startsWith(start));
    return paths.sort().flatMap(path => {
      const of = (name: string) => found(`${tree}/${name}/${path.slice(start.length)}`, host);
      const [value, before] = [of(uplink), of(bridge) ?? of('default') ?? of('lo')];
      const same = value === undefined || before === undefined || value === before;
      if (same || OWN.some(own => own.test(path))) return [];
      return [{ path: `${tree}/${bridge}/${path.slice(start.length)}`, value, before }];
    });
  });
}

/** What a lab has turned on is not the interface's own, and looked after by those who turn it off again. */
const found = (path: string, host: HostState): string | undefined =>
  currentRecords(host)
    .map(({ forwarding }) => forwarding?.[path])
    .find(value => value !== undefined) ?? host.sysctls[path];
