import type { Drivers } from '../drivers/drivers.js';
import { hasSubnets } from '../lab/has.js';
import type { Lab } from '../lab/model.js';
import { isMarkOf } from '../lab/names.js';
import { accountsFor } from './accounts.js';
import { disksOf } from './disks.js';
import { readDocker, readForwardDrops } from './docker.js';
import { existingFor } from './existing.js';
import { learnedFor } from './fdb.js';
import { rulesNaming } from './firewall.js';
import { readForwarding } from './forwarding.js';
import { observeLibvirt } from './libvirt.js';
import { followLab, libvirtUserFor } from './libvirt-user.js';
import { withPeersHere } from './links.js';
import { readMemory } from './memory.js';
import { exactMetrics } from './metrics.js';
import type { HostState, LabRecord, LibvirtUser, Link } from './model.js';
import { namespacesFor } from './namespaces.js';
import { networkManagerHolds } from './network-manager.js';
import { networkdLeases } from './networkd.js';
import { observeNetworks } from './networks.js';
import { parseNexthops } from './nexthops.js';
import { mergingReceivers } from './offloads.js';
import { observeOvs } from './ovs.js';
import { managersOf, ownersOf } from './owners.js';
import { readQueues } from './queues.js';
import { readRecords } from './records.js';
import { renewersOf } from './renewers.js';
import { parseNeighbour, parseRoute, parseRule } from './routes.js';
import type { Replaced } from './rules/effect.js';
import { readServices } from './services.js';
import { heirs, readSysctls } from './sysctls.js';
import { readTables } from './tables.js';
import { vhostFor } from './vhost.js';
import { lackingFor, observeVlans } from './vlans.js';

export interface ObserveOptions {
  /** Leave libvirt out: only links matter (`--network-only`). */
  readonly networkOnly?: boolean;
  /** Then ask it for its networks all the same, where it can be reached: a lab without guests clashes with them, too. */
  readonly networks?: boolean;
  /** Name of a lab: where libvirt is left out, it is asked all the same who has that lab's taps open, if it can be reached. */
  readonly whoseTaps?: string;
  /** Whose libvirt it is where the lab has no record: that of a run which was cut off before it wrote one. */
  readonly libvirtUser?: LibvirtUser | null;
  /** Called while libvirt works on its answer, which takes it a while where it has many domains. */
  readonly meanwhile?: () => void;
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
  followLab(lab?.name, records, drivers, options.libvirtUser);
  const nics = namesOfInterest(lab, records);
  const [bootId, netns, dump, sysctls, libvirt, networks, namespaces, user] = await Promise.all([
    kernel.bootId(),
    kernel.netns(),
    drivers.ip.dump(),
    readSysctls(drivers, nics, records),
    options.networkOnly ? null : observeLibvirt(drivers, existingFor(lab, records), options.meanwhile),
    lab !== null && hasSubnets(lab) ? networksFor(drivers, options) : null,
    namespacesFor(lab, records, drivers),
    libvirtUserFor(lab, options.networkOnly ?? false, drivers),
  ]);
  const links = withPeersHere(dump.links);
  const routes = [
    ...dump.routes4.map(json => parseRoute(json, 4)),
    ...dump.routes6.map(json => parseRoute(json, 6)),
  ].filter(route => route !== null);
  const free = freeUplinks(lab, links);
  const uplinks = free.map(({ device }) => device);
  const watched = [...uplinks, ...followed(lab, links, records)];
  const firewall = rulesNaming(free, dump.links, drivers);
  const { inherited, forwarding, queues, clients, leases, held, ...seen } = await atOnce({
    routes: exactMetrics(routes, nics, drivers),
    inherited: heirs(lab, links, drivers),
    forwarding: readForwarding(lab, links, routes, records, drivers),
    wireless: wirelessOf(links, drivers),
    ...disksOf(lab, options.networkOnly ?? false, drivers),
    ...(lab === null || options.networkOnly ? {} : { memory: readMemory(drivers) }),
    fdb: learnedFor(lab, links, drivers),
    firewall,
    lro: mergingReceivers(uplinks, drivers),
    clients: renewersOf(watched, drivers),
    leases: networkdLeases(watched, links, drivers),
    held: networkManagerHolds(watched, links, drivers),
    owners: firewall.then(rules => ownersOf(uplinks, links, rules, drivers)),
    managers: lab ? managersOf(lab.name, drivers) : [],
    tables: readTables(lab, records, drivers),
    services: readServices(lab, records, drivers),
    accounts: accountsFor(lab, drivers),
    queues: readQueues(lab, links, records, drivers),
    forwardDrops: readForwardDrops(lab, drivers),
    docker: readDocker(lab, records, drivers),
    vlans: observeVlans(lab, links, drivers),
    lacks: lackingFor(lab, links, drivers),
    ovs: observeOvs(lab, drivers),
    ...vhostFor(lab, drivers),
  });
  return {
    ...seen,
    ...namespaces,
    ...user,
    ...queues,
    ...(networks === null ? {} : { networks }),
    bootId,
    netns,
    links,
    rules: [...dump.rules4.map(json => parseRule(json, 4)), ...dump.rules6.map(json => parseRule(json, 6))],
    neighbours: dump.neighbours.map(parseNeighbour).filter(entry => entry !== null),
    nexthops: parseNexthops(dump.nexthops, dump.nexthops6),
    sysctls: { ...sysctls, ...forwarding, ...inherited },
    renewers: [...clients, ...leases, ...held],
    libvirt,
    ...(libvirt === null ? await tapDomains(options.whoseTaps, links, drivers) : {}),
    records,
  };
}

/** Domains that may have a lab's taps open; a tap with a carrier is open. */
async function tapDomains(
  lab: string | undefined,
  links: readonly Link[],
  drivers: Drivers,
): Promise<Pick<HostState, 'tapDomains'>> {
  if (lab === undefined) return {};
  const isOpen = ({ kind, carrier, altnames }: Link) =>
    kind === 'tun' && carrier && altnames.some(altname => isMarkOf(lab, altname));
  if (!links.some(isOpen)) return {};
  const libvirt = await observeLibvirt(drivers).catch(() => null);
  return libvirt === null ? {} : { tapDomains: libvirt.domains };
}

const networksFor = async (drivers: Drivers, { networkOnly, networks }: ObserveOptions) => {
  if (!networkOnly) return observeNetworks(drivers);
  return networks ? observeNetworks(drivers).catch(() => null) : null;
};

/** Look-ups that do not need each other, by name. */
async function atOnce<T extends Readonly<Record<string, unknown>>>(
  looks: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const names = Object.keys(looks);
  const found = await Promise.all(Object.values(looks));
  return Object.fromEntries(names.map((name, i) => [name, found[i]])) as Awaited<
    ReturnType<typeof atOnce<T>>
  >;
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
  // A map: an uplink may be named `toString`, which every object has.
  const uplinks = new Map(Object.entries(records.find(record => record.name === lab?.name)?.uplinks ?? {}));
  return (lab?.bridges ?? []).flatMap(({ name, altname, uplink }) =>
    uplink !== null && (uplinks.get(uplink)?.renewers?.length ?? 0) > 0
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
