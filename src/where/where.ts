import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import { number, object, string } from '../host/json.js';
import { parseLink } from '../host/links.js';
import type { Link } from '../host/model.js';
import { bare, formatIp, isLinkLocal, parseHost, parseIp } from '../lab/cidr.js';
import type { Lab, Nic, Vm } from '../lab/model.js';
import { isUnicast } from '../verify/packets.js';
import { askAgents } from './agent.js';
import { type Asked, askGuests } from './ask.js';
import { type Held, readLeases } from './leases.js';
import { type FoundAddress, SOURCES, type Source, type Whereabouts } from './model.js';
import { parseNeighbours } from './neighbours.js';

export interface WhereOptions {
  /** Only these VMs of the lab; default all. */
  readonly vms?: readonly Vm[];
  /** The lab's domains are left alone: no agent is asked. */
  readonly networkOnly?: boolean;
  /** Only look: nobody is asked at a tap. */
  readonly passive?: boolean;
  /** `ip -j -s address show`, where somebody has just looked. */
  readonly links?: readonly IpJson[];
  /** Addresses that were seen in use, by MAC. */
  readonly seen?: ReadonlyMap<string, readonly string[]>;
}

/**
 * Where each NIC of each VM is, by its MAC, from the first of these that knows: QEMU's agent, a DHCP lease, the lab file,
 * the host's neighbour table, the guest itself when asked at its tap. All guests at once; two to three processes, and
 * two seconds where agents hang and guests are silent.
 */
export async function whereAre(
  lab: Lab,
  drivers: Drivers,
  options: WhereOptions = {},
): Promise<Whereabouts[]> {
  const vms = options.vms ?? lab.vms;
  if (vms.length === 0) return [];
  const [links, agents, leases] = await Promise.all([
    options.links ?? drivers.ip.links({ stats: true }),
    options.networkOnly ? new Map<Vm, ReadonlyMap<string, readonly string[]>>() : askAgents(vms, drivers),
    readLeases(lab, drivers, new Date()),
  ]);
  const sites = sitesOf(vms, lab, links);
  const known = new Map(
    sites.map(site => [site, firstKnown(site, agents.get(site.vm)?.get(site.nic.mac), leases, options)]),
  );
  const unknown = () => sites.filter(site => site.alive && known.get(site)?.length === 0);
  if (unknown().length > 0) {
    const neighbours = await neighboursNow(drivers);
    for (const site of unknown()) known.set(site, metBy(site, neighbours, links));
  }
  // An address of its link alone leads nowhere from elsewhere.
  const unmet = sites.filter(it => it.alive && !(known.get(it) ?? []).some(isGlobal));
  const askable = options.passive ? [] : unmet.flatMap(site => questionFor(site, lab) ?? []);
  const answers = await askGuests(askable, drivers);
  return sites.map(site => {
    const addresses = tidy([...(known.get(site) ?? []), ...(answers.get(site.nic.mac) ?? [])]);
    return {
      vm: site.vm.name,
      nic: site.nic.index,
      mac: site.nic.mac,
      tap: site.tap,
      bridge: site.nic.bridge === null ? null : (site.bridge?.name ?? site.nic.bridge),
      addresses,
      note: addresses.length > 0 ? null : noteOf(site),
    };
  });
}

/** A NIC, with what is there of its links. */
interface Site {
  readonly vm: Vm;
  readonly nic: Nic;
  /** Name of its tap or macvtap. */
  readonly tap: string;
  readonly link: Link | undefined;
  readonly bridge: Link | undefined;
  /** Some process has its tap open. */
  readonly alive: boolean;
  /** Frames that the guest has sent. */
  readonly frames: number;
}

function sitesOf(vms: readonly Vm[], lab: Lab, links: readonly IpJson[]): Site[] {
  const all = links.map(json => ({ link: parseLink(json), stats: object(json.stats64) }));
  const marked = new Map(all.flatMap(it => it.link.altnames.map(name => [name, it] as const)));
  const named = new Map(all.map(it => [it.link.name, it] as const));
  // Nothing of ours marks a macvtap: libvirt makes it.
  const macvtaps = new Map(all.flatMap(it => (it.link.macvlan ? [[it.link.mac, it] as const] : [])));
  const bridges = new Map(
    lab.bridges.map(({ name, altname, permanent }) => [
      name,
      (permanent ? named.get(name) : marked.get(altname))?.link,
    ]),
  );
  return vms.flatMap(vm =>
    vm.nics.map(nic => {
      const mine = nic.macvtap ? macvtaps.get(nic.mac) : marked.get(nic.altname);
      const direction = object(nic.macvtap ? mine?.stats.tx : mine?.stats.rx);
      return {
        vm,
        nic,
        tap: mine?.link.name ?? nic.tap,
        link: mine?.link,
        bridge: bridges.get(nic.bridge ?? ''),
        alive: mine?.link.carrier === true,
        frames: number(direction.packets) ?? 0,
      };
    }),
  );
}

/** What is told without asking around. A guest that tells itself is believed alone. */
function firstKnown(
  { nic, alive }: Site,
  agent: readonly string[] | undefined,
  leases: readonly Held[],
  { seen }: WhereOptions,
): FoundAddress[] {
  const of = (source: Source, texts: readonly string[]) => texts.flatMap(text => found(text, source));
  const told = alive ? of('agent', agent ?? []) : [];
  if (told.some(isGlobal)) return told;
  const lease = leases.filter(({ mac }) => mac === nic.mac).map(({ address }) => address);
  const later = [...of('lab', nic.addresses.map(bare)), ...of('seen', seen?.get(nic.mac) ?? [])];
  return [...told, ...(alive ? of('lease', lease) : []), ...later];
}

/** Guests write what they like: only addresses of machines count, in the kernel's own words. */
function found(text: string, source: Source): FoundAddress[] {
  const ip = parseIp(text);
  const address = ip && formatIp(ip.family, ip.value);
  return address !== null && isUnicast(address) ? [{ address, source }] : [];
}

export const isGlobal = ({ address }: FoundAddress) => {
  const host = parseHost(address);
  return host !== null && !isLinkLocal(host);
};

const neighboursNow = async ({ run }: Drivers) => {
  const { stdout } = await run('ip', ['-j', 'neigh', 'show'], { allowFailure: true });
  return parseNeighbours(JSON.parse(stdout.trim() || '[]') as IpJson[]);
};

/** On its bridge, or on a VLAN of that. */
function metBy(
  { nic, bridge }: Site,
  neighbours: ReturnType<typeof parseNeighbours>,
  links: readonly IpJson[],
): FoundAddress[] {
  if (bridge === undefined) return [];
  const above = links.filter(({ link }) => string(link) === bridge.name).map(({ ifname }) => string(ifname));
  const devices = new Set([bridge.name, ...above]);
  return neighbours
    .filter(({ mac, dev }) => mac === nic.mac && devices.has(dev))
    .flatMap(({ address }) => found(address, 'neighbour'));
}

/** At the tap of a guest on a bridge that is there; null where nobody is to be asked. */
function questionFor({ nic, link, bridge }: Site, lab: Lab): Asked | null {
  if (link === undefined || bridge === undefined) return null;
  const others = lab.vms.flatMap(({ nics }) => nics).filter(it => it.bridge === nic.bridge);
  const own = lab.bridges.find(({ name }) => name === nic.bridge)?.address;
  const subnets = [
    ...bridge.addresses.map(({ local, prefix }) => `${local}/${prefix}`),
    ...(own && 'cidrs' in own ? own.cidrs : []),
    ...others.flatMap(({ addresses }) => addresses),
  ];
  return { mac: nic.mac, tap: link.index, from: bridge.mac, subnets };
}

/** Each address once, by who is to be trusted most; global ones first, and in the order of their sources. */
function tidy(all: readonly FoundAddress[]): FoundAddress[] {
  const rank = ({ source }: FoundAddress) => SOURCES.indexOf(source);
  const sorted = [...all].sort((a, b) => Number(isGlobal(b)) - Number(isGlobal(a)) || rank(a) - rank(b));
  return [...new Map([...sorted].reverse().map(it => [it.address, it])).values()].reverse();
}

function noteOf({ link, alive, frames, nic }: Site): string {
  if (link === undefined) return nic.macvtap ? 'not running' : 'its tap is missing';
  if (!alive) return 'not running';
  return frames === 0 ? 'no frame seen' : 'it sends frames, but none with an address of its own';
}

/** `192.168.1.50 (agent)`; link-local addresses only where there are no others. */
export function addressText({ addresses, note }: Pick<Whereabouts, 'addresses' | 'note'>): string {
  const global = addresses.filter(isGlobal);
  const shown = (global.length > 0 ? global : addresses).map(it => `${it.address} (${it.source})`);
  if (shown.length === 0) return `- (${note})`;
  return shown.length > MOST_SHOWN
    ? `${shown.slice(0, MOST_SHOWN).join(' ')} and ${shown.length - MOST_SHOWN} more`
    : shown.join(' ');
}

/** A host of containers has dozens of addresses. */
const MOST_SHOWN = 4;
