import type { HostState, Route } from '../../host/model.js';
import { type Cidr, parseCidr, subnetText } from '../../lab/cidr.js';
import type { Bridge, Lab } from '../../lab/model.js';
import { bridgeName, linkOf } from '../links.js';
import type { PlanProblem } from '../problems.js';

/** A bridge's own subnet must not be one that the host reaches elsewhere: one of the two would be cut off. */
export function findSubnetClashes(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  for (const bridge of lab.bridges) {
    if (bridge.address.mode !== 'static') continue;
    const link = linkOf(bridge, host);
    const present = new Set(link?.addresses.map(({ local, prefix }) => `${local}/${prefix}`));
    const elsewhere = routesElsewhere(bridge, host);
    for (const text of bridge.address.cidrs) {
      const subnet = parseCidr(text);
      const route = subnet && !present.has(text) && elsewhere.find(({ dst }) => overlap(subnet, dst));
      if (route) problems.push(clash(bridge, text, subnet, route));
    }
  }
}

interface Elsewhere {
  readonly dst: Cidr;
  readonly text: string;
}

/** Routes of the main table that lead to a part of the world by another way than the bridge and its uplink. */
function routesElsewhere(bridge: Bridge, host: HostState): Elsewhere[] {
  const own = [bridgeName(bridge, host), bridge.uplink];
  return host.routes.flatMap(route => {
    const devices = route.dev === null ? route.nexthops.map(({ dev }) => dev) : [route.dev];
    const dst = parseCidr(
      route.dst.includes('/') ? route.dst : `${route.dst}/${route.family === 4 ? 32 : 128}`,
    );
    const counts =
      dst !== null &&
      route.type === 'unicast' &&
      route.table === 'main' &&
      !isWholeWorld(dst) &&
      !isLinkLocal(dst) &&
      devices.some(dev => !own.includes(dev));
    return counts ? [{ dst, text: routeText(route, devices) }] : [];
  });
}

/** A default route, or what VPNs write instead of one (0.0.0.0/1 and 128.0.0.0/1; 2000::/3): anything is more specific. */
const isWholeWorld = ({ family, prefix }: Cidr) => prefix <= (family === 4 ? 1 : 3);

/** fe80::/10 is on every link. */
const isLinkLocal = ({ family, value }: Cidr) => family === 6 && value >> 118n === 0x3fan;

const overlap = (a: Cidr, b: Cidr) => a.family === b.family && a.network <= b.last && b.network <= a.last;

const routeText = ({ dst, gateway }: Route, devices: readonly string[]) =>
  [dst, ...(gateway ? ['via', gateway] : []), 'dev', devices.join(' and ')].join(' ');

const clash = (bridge: Bridge, text: string, subnet: Cidr, { text: route }: Elsewhere): PlanProblem => ({
  code: 'conflict',
  message: `bridges.${bridge.name}.address: the subnet ${subnetText(subnet)} of ${text} overlaps a route that the host has: ${route}`,
  fix: 'Choose a subnet that the host does not reach elsewhere, or repeat the command with --yes if the more specific of the two may win.',
});
