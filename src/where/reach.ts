import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import { string } from '../host/json.js';
import { parseLink } from '../host/links.js';
import type { FoundAddress, Whereabouts } from './model.js';
import { isGlobal } from './where.js';

/** An address as this host writes it, with the zone that a link-local one needs. */
export interface Reachable extends FoundAddress {
  readonly host: string;
}

/** Why an address cannot be reached from here, as the rest of a sentence that begins with it. */
export interface Unreachable extends FoundAddress {
  readonly why: string;
}

/** The first address of a guest that this host has a way to; else why it has none, for each. */
export async function reach(
  nics: readonly Whereabouts[],
  links: readonly IpJson[],
  { run }: Drivers,
): Promise<Reachable | readonly Unreachable[]> {
  const all = nics.flatMap(nic => nic.addresses.map(found => ({ nic, found })));
  const inOrder = [
    ...all.filter(({ found }) => isGlobal(found)),
    ...all.filter(({ found }) => !isGlobal(found)),
  ];
  const failed: Unreachable[] = [];
  for (const { nic, found } of inOrder) {
    const zone = isGlobal(found) ? null : nic.bridge;
    if (!isGlobal(found) && !speaksLinkLocal(nic.bridge, links)) {
      failed.push({ ...found, why: `is link-local, and this host has no such address on ${nic.bridge}` });
      continue;
    }
    if (zone !== null) return { ...found, host: `${found.address}%${zone}` };
    const { stdout } = await run('ip', ['-j', 'route', 'get', found.address], { allowFailure: true });
    const why = whyNot(routeIn(stdout), nic, links);
    if (why === null) return { ...found, host: found.address };
    failed.push({ ...found, why });
  }
  return failed;
}

export const isReachable = (it: Reachable | readonly Unreachable[]): it is Reachable => 'host' in it;

function routeIn(stdout: string): IpJson | null {
  if (stdout.trim() === '') return null;
  return (JSON.parse(stdout) as IpJson[])[0] ?? null;
}

/**
 * Null where the host's own route leads to the guest: onto its bridge, or onto a link of the same network. By way of a
 * gateway there may be anybody of that address.
 */
export function whyNot(
  route: IpJson | null,
  { bridge, tap }: Pick<Whereabouts, 'bridge' | 'tap'>,
  links: readonly IpJson[],
): string | null {
  const dev = string(route?.dev);
  if (route === null || dev === null) return 'has no route from this host';
  if (route.type === 'local') return "is one of this host's own as well";
  if (bridge === null)
    return `is behind the macvtap ${tap}, which hands nothing to the host whose interface it shares`;
  if (dev === bridge || links.some(({ ifname, link }) => ifname === dev && link === bridge)) return null;
  const gateway = string(route.gateway);
  if (gateway !== null)
    return `is on ${bridge}, where this host has no address of that network: its route leads to ${gateway} on ${dev}`;
  const foreign = links.map(parseLink).find(({ name }) => name === dev)?.kind === 'bridge';
  return foreign ? `is on ${bridge}, but this host's route leads to another bridge, ${dev}` : null;
}

const speaksLinkLocal = (bridge: string | null, links: readonly IpJson[]): boolean =>
  links
    .map(parseLink)
    .some(
      ({ name, up, addresses }) =>
        name === bridge && up && addresses.some(({ local }) => local.startsWith('fe80:')),
    );
