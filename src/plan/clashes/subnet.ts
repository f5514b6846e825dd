import type { HostState } from '../../host/model.js';
import { type Cidr, parseCidr, subnetText } from '../../lab/cidr.js';
import type { Bridge, Lab } from '../../lab/model.js';
import { type Claim, claimsOfOthers, devicesOf, libvirtClaims, overlap, routeClaim } from '../claims.js';
import { bridgeName, linkOf } from '../links.js';
import type { PlanProblem } from '../problems.js';

/** A bridge's own subnet must not be one that the host reaches elsewhere, or somebody else has: one of the two would be cut off. */
export function findSubnetClashes(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  for (const bridge of lab.bridges) {
    if (bridge.address.mode !== 'static') continue;
    const link = linkOf(bridge, host);
    const present = new Set(link?.addresses.map(({ local, prefix }) => `${local}/${prefix}`));
    const elsewhere = routesElsewhere(bridge, host);
    const others = [...claimsOfOthers(bridge, lab, host), ...libvirtClaims(host)];
    for (const text of bridge.address.cidrs) {
      const subnet = present.has(text) ? null : parseCidr(text);
      if (subnet === null) continue;
      const route = elsewhere.find(claim => overlap(subnet, claim.subnet));
      const other = others.find(claim => overlap(subnet, claim.subnet));
      if (route) problems.push(reachedElsewhere(bridge, text, subnet, route, other));
      else if (other) problems.push(taken(bridge, text, subnet, other));
    }
  }
}

/** Routes of the main table that lead to a part of the world by another way than the bridge and its uplink. */
function routesElsewhere(bridge: Bridge, host: HostState): Claim[] {
  const own = [bridgeName(bridge, host), bridge.uplink];
  return host.routes
    .filter(({ type, table }) => type === 'unicast' && table === 'main')
    .filter(route => devicesOf(route).some(dev => !own.includes(dev)))
    .flatMap(route => routeClaim(route) ?? []);
}

const reachedElsewhere = (
  bridge: Bridge,
  text: string,
  subnet: Cidr,
  route: Claim,
  other: Claim | undefined,
): PlanProblem => ({
  code: 'conflict',
  message: `bridges.${bridge.name}.address: the subnet ${subnetText(subnet)} of ${text} overlaps a route that the host has: ${route.who.replace(/^the route /, '')}${other ? `, which is that of ${other.who}` : ''}`,
  fix: `Choose a subnet that the host does not reach elsewhere${byAuto(bridge)}, or repeat the command with --yes if the more specific of the two may win.`,
});

const taken = (bridge: Bridge, text: string, subnet: Cidr, other: Claim): PlanProblem => ({
  code: 'conflict',
  message: `bridges.${bridge.name}.address: the subnet ${subnetText(subnet)} of ${text} overlaps that of ${other.who}, which is not up now`,
  fix: `Choose another subnet${byAuto(bridge)}, or repeat the command with --yes if the two are never up together.`,
});

const byAuto = ({ uplink }: Bridge) => (uplink === null ? ' ("address": "auto" finds one)' : '');
