import type { Drivers } from '../drivers/drivers.js';
import type { Lab } from '../lab/model.js';
import { learnedFor } from './fdb.js';
import { rulesNaming } from './firewall.js';
import { observeLibvirt } from './libvirt.js';
import { parseLink } from './links.js';
import { exactMetrics } from './metrics.js';
import type { HostState, LabRecord, Link } from './model.js';
import { networkdLeases } from './networkd.js';
import { parseNexthops } from './nexthops.js';
import { mergingReceivers } from './offloads.js';
import { observeOvs } from './ovs.js';
import { managersOf, ownersOf } from './owners.js';
import { readRecords } from './records.js';
import { renewersOf } from './renewers.js';
import { parseNeighbour, parseRoute, parseRule } from './routes.js';
import type { Replaced } from './rules/effect.js';
import { heirs, readSysctls } from './sysctls.js';
import { lackingFor, observeVlans } from './vlans.js';

export interface ObserveOptions {
  /** Leave libvirt out: only links matter (`--network-only`). */
  readonly networkOnly?: boolean;
}

/**
 * Look at the host, changing nothing: two `ip` processes, a few sysctls, and one round trip to libvirt,
 * whatever the size of the lab.
 */
export async function observeHost(
  drivers: Drivers,
  lab: Lab | null,
  options: ObserveOptions = {},
): Promise<HostState> {
  const { kernel } = drivers;
  const records = await readRecords(drivers);
  const nics = namesOfInterest(lab, records);
  const [bootId, netns, dump, sysctls, libvirt] = await Promise.all([
    kernel.bootId(),
    kernel.netns(),
    drivers.ip.dump(),
    readSysctls(drivers, nics, records),
    options.networkOnly ? null : observeLibvirt(drivers),
  ]);
  const links = dump.links.map(parseLink);
  const routes = [
    ...dump.routes4.map(json => parseRoute(json, 4)),
    ...dump.routes6.map(json => parseRoute(json, 6)),
  ].filter(route => route !== null);
  const free = freeUplinks(lab, links);
  const firewall = await rulesNaming(free, dump.links, drivers);
  const watched = [...free.map(({ device }) => device), ...followed(lab, links, records)];
  return {
    bootId,
    netns,
    links,
    routes: await exactMetrics(routes, nics, drivers),
    rules: [...dump.rules4.map(json => parseRule(json, 4)), ...dump.rules6.map(json => parseRule(json, 6))],
    neighbours: dump.neighbours.map(parseNeighbour).filter(entry => entry !== null),
    nexthops: parseNexthops(dump.nexthops, dump.nexthops6),
    sysctls: { ...sysctls, ...(await heirs(lab, links, drivers)) },
    wireless: await wirelessOf(links, drivers),
    disks: lab ? await drivers.files.list(`${drivers.stateDir}/disks/${lab.name}`) : [],
    fdb: await learnedFor(lab, links, drivers),
    firewall,
    lro: await mergingReceivers(
      free.map(({ device }) => device),
      drivers,
    ),
    renewers: [...(await renewersOf(watched, drivers)), ...(await networkdLeases(watched, links, drivers))],
    owners: await ownersOf(
      free.map(({ device }) => device),
      links,
      firewall,
      drivers,
    ),
    managers: lab ? await managersOf(lab.name, drivers) : [],
    vlans: await observeVlans(lab, links, drivers),
    lacks: await lackingFor(lab, links, drivers),
    ovs: await observeOvs(lab, drivers),
    libvirt,
    records,
  };
}

/** Uplinks of the lab that are no bridge's ports yet. */
const freeUplinks = (lab: Lab | null, links: readonly Link[]): Replaced[] =>
  (lab?.bridges ?? []).flatMap(({ uplink, name: bridge }) =>
    uplink !== null && links.some(({ name, master }) => name === uplink && !master)
      ? [{ device: uplink, bridge }]
      : [],
  );

/** Bridges that a DHCP client was moved to. */
const followed = (lab: Lab | null, links: readonly Link[], records: readonly LabRecord[]): string[] => {
  const uplinks = records.find(record => record.name === lab?.name)?.uplinks ?? {};
  return (lab?.bridges ?? []).flatMap(({ name, altname, uplink }) =>
    uplink !== null && (uplinks[uplink]?.renewers?.length ?? 0) > 0
      ? (links.find(link => link.altnames.includes(altname))?.name ?? name)
      : [],
  );
};

/** Of the physical interfaces, those that are Wi-Fi; virtual ones, however many, are none. */
async function wirelessOf(links: readonly Link[], { kernel }: Drivers): Promise<string[]> {
  const physical = links.filter(link => link.kind === null && link.type === 'ether');
  return (
    await Promise.all(physical.map(async ({ name }) => ((await kernel.isWireless(name)) ? [name] : [])))
  ).flat();
}

/** Uplinks and bridges whose per-interface sysctls a plan may need, and the defaults that a new bridge starts with. */
function namesOfInterest(lab: Lab | null, records: readonly LabRecord[]): string[] {
  const names = (lab?.bridges ?? []).flatMap(bridge => [
    bridge.name,
    ...(bridge.uplink ? [bridge.uplink] : []),
  ]);
  return [...new Set(['default', ...names, ...records.flatMap(record => Object.keys(record.uplinks))])];
}
