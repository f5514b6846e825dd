import type { HostState, Link } from '../host/model.js';
import { type Cidr, parseCidr, subnetText } from '../lab/cidr.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

/** Two interfaces of one network namespace that are on one wire, or in one subnet. */
export interface Twins {
  /** `the host`, or the name of a namespace. */
  readonly where: string;
  readonly names: readonly [string, string];
  /** They are the two ends of one veth pair. */
  readonly pair: boolean;
  /** Subnet that both have an address in; null where they share none. */
  readonly subnet: string | null;
}

/** The settings that decide what becomes of such packets; null where they could not be read. */
export type Settings = (name: string) => Readonly<Record<(typeof SETTINGS)[number], string | null>>;

const SETTINGS = ['accept_local', 'rp_filter', 'arp_ignore', 'arp_filter'] as const;

export async function lookAtTwins({ drivers, host }: Ground): Promise<Finding[]> {
  const seen = await host();
  const twins = twinsOf(seen);
  const names = twins.filter(({ where }) => where === HOST).flatMap(it => it.names);
  const read = async (name: string, key: string) => {
    const value = await drivers.kernel.readSysctl(`net/ipv4/conf/${name}/${key}`);
    return Number((await drivers.kernel.readSysctl(`net/ipv4/conf/all/${key}`)) ?? 0) > Number(value ?? 0)
      ? await drivers.kernel.readSysctl(`net/ipv4/conf/all/${key}`)
      : value;
  };
  const all = await Promise.all(
    names.map(async name => {
      const values = await Promise.all(SETTINGS.map(async key => [key, await read(name, key)] as const));
      return [name, Object.fromEntries(values) as ReturnType<Settings>] as const;
    }),
  );
  const settings = new Map(all);
  return judgeTwins(twins, name => settings.get(name) ?? UNREAD);
}

const UNREAD = { accept_local: null, rp_filter: null, arp_ignore: null, arp_filter: null };

const HOST = 'the host';

/** In the host, and in each namespace that a lab made. */
export function twinsOf(host: HostState): Twins[] {
  const places = [
    { where: HOST, links: host.links },
    ...(host.namespaces ?? []).map(({ name, links }) => ({ where: name, links })),
  ];
  return places.flatMap(({ where, links }) => twinsIn(where, links));
}

function twinsIn(where: string, links: readonly Link[]): Twins[] {
  const able = links.filter(link => link.type !== 'loopback' && link.addresses.length > 0);
  return able.flatMap((a, i) =>
    able.slice(i + 1).flatMap((b): Twins[] => {
      const pair = a.peer?.netnsid === null && a.peer.index === b.index && b.peer?.index === a.index;
      const subnet = sharedSubnet(a, b);
      return pair || subnet !== null ? [{ where, names: [a.name, b.name], pair, subnet }] : [];
    }),
  );
}

function sharedSubnet(a: Link, b: Link): string | null {
  const [own, others] = [a, b].map(subnetsOf) as [Cidr[], Cidr[]];
  const shared = own.find(one => others.some(it => it.family === one.family && overlap(it, one)));
  return shared === undefined ? null : subnetText(shared);
}

const subnetsOf = (link: Link) =>
  link.addresses
    .filter(({ scope }) => scope === 'global')
    .flatMap(({ local, prefix }) => parseCidr(`${local}/${prefix}`) ?? [])
    .filter(({ prefix, family }) => prefix < (family === 4 ? 32 : 128));

const overlap = (a: Cidr, b: Cidr) => a.network <= b.last && b.network <= a.last;

/** How many are told. */
const SHOWN = 4;

export function judgeTwins(twins: readonly Twins[], settings: Settings): Finding[] {
  const it = about(
    'twins',
    'own wires',
    'A host delivers what it sends to an address of its own over lo: a ping between the two proves nothing about the wire.',
  );
  if (twins.length === 0)
    return [it.ok('no two interfaces of one namespace are in one subnet or on one wire')];
  return twins.slice(0, SHOWN).map(twin => it.warning(found(twin, settings), FIX));
}

const FIX = [
  'put one of the two into a namespace of its own ("namespaces" in a lab file); then a ping uses the wire',
  'or, where both must stay: accept_local=1 and rp_filter=0 or 2 on both, arp_ignore=1 and arp_filter=1, and a policy rule before table local',
].join('\n');

function found({ where, names: [a, b], pair, subnet }: Twins, settings: Settings): string {
  const what = [
    ...(pair ? ['are the two ends of one veth pair'] : []),
    ...(subnet === null ? [] : [`both have addresses in ${subnet}`]),
  ].join(' and ');
  const traps = where === HOST ? [a, b].flatMap(name => trapsOf(name, settings(name))) : [];
  return [`${a} and ${b} ${what}, in ${where}`, ...traps].join('; ');
}

/** What the kernel does with a packet that comes in on an interface with an address of this very host. */
function trapsOf(
  name: string,
  { accept_local, rp_filter, arp_ignore, arp_filter }: ReturnType<Settings>,
): string[] {
  return [
    ...(accept_local === '0' ? [`${name} drops what comes from an own address (accept_local=0)`] : []),
    ...(rp_filter === '1' ? [`${name} drops what the way back does not lead through (rp_filter=1)`] : []),
    ...(arp_ignore === '0' && arp_filter === '0'
      ? [`${name} answers ARP for the other's address as well (arp_ignore=0, arp_filter=0)`]
      : []),
  ];
}
