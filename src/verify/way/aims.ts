import type { HostState, Route } from '../../host/model.js';
import { formatIp, parseCidr } from '../../lab/cidr.js';
import type { Intent } from '../intent.js';

/** Where errands of one family go. */
export interface Aims {
  readonly addresses: readonly string[];
  /** The host has a route for them. */
  readonly routed: boolean;
  /** They go to a gateway: what does not leave then was stopped. */
  readonly byGateway: boolean;
}

/** Addresses outside that are nobody's: of the ranges for benchmarks (RFC 2544, RFC 5180), and groups of a site. */
export interface Nowhere {
  readonly host: string;
  readonly group: string;
}

/** Networks that are tried one by one. */
const MOST_NETWORKS = 32;

/**
 * Through the default route where there is one, to an address that is nobody's. To show that nothing gets out, also
 * to every other network that the host has a route to, and to a group; none of these frames leaves the host.
 */
export function aimsOf(
  intent: Intent,
  bridge: string,
  family: 4 | 6,
  host: HostState,
  nowhere: Nowhere,
): Aims {
  const routes = host.routes.filter(route => route.family === family && leadsOut(route, bridge));
  const byDefault = routes.some(route => isDefault(route));
  const networks = routes.filter(route => !isDefault(route)).flatMap(route => addressIn(route, host) ?? []);
  if (intent === 'isolated') {
    const others = [...new Set(networks)].slice(0, MOST_NETWORKS);
    return { addresses: [nowhere.host, nowhere.group, ...others], routed: true, byGateway: false };
  }
  const [first] = networks;
  return {
    addresses: [byDefault || first === undefined ? nowhere.host : first],
    routed: byDefault || first !== undefined,
    byGateway: byDefault,
  };
}

const isDefault = ({ dst }: Route) => dst === 'default';

const leadsOut = ({ type, dev, nexthops, dst }: Route, bridge: string) =>
  type === 'unicast' &&
  !/^(fe80|ff)/.test(dst) &&
  ((dev !== null && dev !== bridge && dev !== 'lo') || nexthops.some(hop => hop.dev !== bridge));

/** One that is not the host's own. */
function addressIn({ dst, family }: Route, host: HostState): string | null {
  const cidr = parseCidr(dst.includes('/') ? dst : `${dst}/${family === 4 ? 32 : 128}`);
  if (cidr === null) return null;
  const own = new Set(host.links.flatMap(link => link.addresses.map(({ local }) => local)));
  const all = [1n, 2n, 3n, 0n].map(more => cidr.network + more).filter(value => value <= cidr.last);
  return all.map(value => formatIp(cidr.family, value)).find(address => !own.has(address)) ?? null;
}
