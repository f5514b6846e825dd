import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import { savedEbtables } from './ebtables.js';
import type { FirewallRule } from './model.js';
import { printed } from './printed.js';
import type { Replaced } from './rules/effect.js';
import { firewalldZones } from './rules/firewalld.js';
import { lacksDevices, nftHooks, nftRules } from './rules/nft.js';
import { trafficControl } from './rules/tc.js';
import { xdpPrograms } from './rules/xdp.js';
import { LEGACY, legacyRules } from './rules/xtables.js';

/**
 * Whatever on this host names one of these interfaces or is attached to it: rules stop matching when its addresses
 * move to a bridge, and what is attached sees the guests' frames as well.
 * @param links as `ip -j -d address show` printed them
 */
export async function rulesNaming(
  uplinks: readonly Replaced[],
  links: readonly IpJson[],
  drivers: Drivers,
): Promise<FirewallRule[]> {
  if (uplinks.length === 0) return [];
  const all = await Promise.all([
    nftables(uplinks, drivers),
    ...LEGACY.map(async program =>
      legacyRules(program, await printed(drivers, `${program}-legacy-save`), uplinks),
    ),
    savedEbtables(drivers).then(text => legacyRules('ebtables', text, uplinks)),
    firewalldZones(uplinks, drivers),
    trafficControl(uplinks, drivers),
  ]);
  return [...all.flat(), ...xdpPrograms(links, uplinks)];
}

async function nftables(uplinks: readonly Replaced[], drivers: Drivers): Promise<FirewallRule[]> {
  const listed = await drivers.nft.ruleset().catch(() => []);
  const chains = lacksDevices(listed) ? await printed(drivers, 'nft', 'list', 'chains') : '';
  return [...nftRules(listed, uplinks), ...nftHooks(listed, chains, uplinks)];
}
