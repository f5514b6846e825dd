import type { HostState, Link } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { bridgeMtu } from './bridge.js';
import { addressAdd } from './bridge-addresses.js';
import { bridgeName, markLines } from './links.js';
import type { Action } from './model.js';
import type { Place, Placed } from './place.js';
import { tapMac } from './tap.js';

/** One end of a veth pair as it has to be. */
export interface End {
  readonly place: Place;
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly altname: string;
  readonly alias: string;
  /** Present name of the bridge that it is a port of; null for an interface of its own. */
  readonly master: string | null;
  readonly cidrs: readonly string[];
}

export interface Pair {
  /** The end on the host where there is one. */
  readonly ends: readonly [End, End];
  /** For people: `client eth0 to br0`. */
  readonly title: string;
  /** Where the lab file says it: `namespaces.client.nics[0]`. */
  readonly path: string;
}

/** Every veth pair of a lab: those of NICs in namespaces, and the links. */
export function pairsOf(lab: Lab, host: HostState): Pair[] {
  const bridges = new Map(
    lab.bridges.map(bridge => [
      bridge.name,
      { name: bridgeName(bridge, host), mtu: bridgeMtu(bridge, host) },
    ]),
  );
  const nics = lab.namespaces.flatMap(({ name, netns, nics }) =>
    nics.map(nic => {
      const bridge = bridges.get(nic.bridge) ?? { name: nic.bridge, mtu: 1500 };
      const { altname, alias } = nic;
      const port = {
        name: nic.tap,
        mac: tapMac(nic),
        mtu: nic.mtu ?? bridge.mtu,
        master: bridge.name,
        cidrs: [],
      };
      const inner = {
        name: nic.name,
        mac: nic.mac,
        mtu: nic.mtu ?? bridge.mtu,
        master: null,
        cidrs: nic.addresses,
      };
      return {
        ends: [
          { place: null, altname, alias, ...port },
          { place: netns, altname, alias, ...inner },
        ] as const,
        title: `${name} ${nic.name} to ${bridge.name}`,
        path: `namespaces.${name}.nics[${nic.index}]`,
      };
    }),
  );
  const netnsOf = new Map(lab.namespaces.map(({ name, netns }) => [name, netns]));
  const links = lab.links.map(({ ends, mtu }, i) => {
    const [a, b] = ends.map(({ namespace, addresses, ...end }) => ({
      ...end,
      place: namespace === null ? null : (netnsOf.get(namespace) ?? null),
      mtu,
      master: null,
      cidrs: addresses,
    })) as [End, End];
    const title = ends.map(({ namespace, name }) => `${namespace ?? 'host'} ${name}`).join(' to ');
    return { ends: (b.place === null ? [b, a] : [a, b]) as [End, End], title, path: `links[${i}]` };
  });
  return [...nics, ...links];
}

/** The line that makes both ends, each in its place: from the host, so that those of a whole lab are one batch. */
export function pairLine([a, b]: readonly [VethEnd, VethEnd]): string {
  const words = ({ name, place, mac, mtu }: VethEnd) =>
    `name ${name}${place === null ? '' : ` netns ${place}`} address ${mac} mtu ${mtu}`;
  return `link add ${words(a)} type veth peer ${words(b)}`;
}

type Settled = Omit<End, 'mac' | 'mtu' | 'place'> & { readonly up?: boolean };

type VethEnd = Pick<End, 'name' | 'place' | 'mac' | 'mtu'>;

/** What an end needs once it is there, in its place. Marked at once; enslaved before it is up. */
export const endLines = (end: Settled): string[] => [
  ...markLines(end.name, end.altname, end.alias),
  // A port's addresses would be the host's.
  ...(end.master === null
    ? []
    : [`link set dev ${end.name} addrgenmode none`, `link set dev ${end.name} master ${end.master}`]),
  ...end.cidrs.map(cidr => addressAdd(cidr, end.name)),
  ...(end.up === false ? [] : [`link set dev ${end.name} up`]),
];

/** Lines as an action in their place. */
export const linesAt = (place: Place, lines: readonly string[]): Action =>
  place === null
    ? { kind: 'ip', lines }
    : { kind: 'inside', work: [{ namespace: place, sysctls: [], lines }] };

/** An end as it was observed; its mark is the altname that vmnet gave it. */
export function asObserved({ name, altnames, alias, master, up, addresses }: Link): Settled {
  const altname = altnames.find(it => it.startsWith('vmnet.')) ?? name;
  return {
    ...{ name, altname, master, up },
    alias: alias ?? altname,
    cidrs: addresses.flatMap(({ local, prefix, scope }) => (scope === 'link' ? [] : [`${local}/${prefix}`])),
  };
}

export const vethEnd = ({ place, link: { name, mac, mtu } }: Placed): VethEnd => ({ place, name, mac, mtu });
