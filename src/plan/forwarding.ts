import type { HostState, LabRecord, Route } from '../host/model.js';
import { isForwarded } from '../lab/has.js';
import type { Bridge, Lab } from '../lab/model.js';
import { staticCidrs } from './bridge-addresses.js';
import { bridgeName, linkNamed, marksOf } from './links.js';
import type { Action, Step } from './model.js';
import { currentRecords } from './netfilter.js';
import { movesOf } from './uplink.js';

// Linux forwards what comes in by an interface whose own switch is on. So the guests need that of their bridge, and what
// is sent back to them that of the interface it comes in by: no more than these are turned on, and never those of all
// interfaces, since with IPv6 that makes the host deaf to routers.

/** A bridge's own switch, or that of the way out. */
export interface Switch {
  readonly family: 4 | 6;
  readonly dev: string;
  /** Below /proc/sys. */
  readonly path: string;
}

const switchOf = (family: 4 | 6, dev: string): Switch => ({
  family,
  dev,
  path: family === 4 ? `net/ipv4/conf/${dev}/forwarding` : `net/ipv6/conf/${dev}/force_forwarding`,
});

const switchAt = (path: string): Switch => ({
  family: path.startsWith('net/ipv4/') ? 4 : 6,
  dev: path.split('/')[3] ?? '',
  path,
});

const FAMILIES = [4, 6] as const;

const has = (family: 4 | 6, bridge: Bridge) =>
  staticCidrs(bridge).some(cidr => cidr.includes(':') === (family === 6) && !/^fe[89ab]/i.test(cidr));

/** The lab's bridges that forward a family. */
const forwardedOf = (family: 4 | 6, lab: Lab): Bridge[] =>
  lab.bridges.filter(bridge => isForwarded(bridge) && has(family, bridge));

/** The interfaces of the host's default routes, as they will be when the lab's uplinks have moved. */
function waysOut(family: 4 | 6, lab: Lab, host: HostState): string[] {
  const moves = new Map(movesOf(lab, host).map(({ from, to }) => [from, to]));
  const own = new Set(lab.bridges.filter(isForwarded).map(bridge => bridgeName(bridge, host)));
  const ways = host.routes
    .filter(route => route.family === family && isWayOut(route))
    .flatMap(({ dev, nexthops }) => [dev, ...nexthops.map(hop => hop.dev)])
    .filter(dev => dev !== null)
    .map(dev => moves.get(dev) ?? dev);
  return [...new Set(ways)].filter(dev => !own.has(dev) && isPlainName(dev)).sort();
}

const isWayOut = ({ dst, type, table }: Route) => dst === 'default' && type === 'unicast' && table === 'main';

/** A name that nft takes between quotes as it stands: the host's own interfaces may bear others. */
export const isPlainName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$/.test(name);

/** IPv6 has such switches since Linux 6.17; where all interfaces forward, none is needed. */
const canSwitch = (family: 4 | 6, host: HostState) =>
  family === 4 ||
  (host.sysctls['net/ipv6/conf/default/force_forwarding'] !== undefined && !forwardsAll6(host));

const forwardsAll6 = (host: HostState) => host.sysctls['net/ipv6/conf/all/forwarding'] === '1';

/** The switches that a lab has to have on: those of its bridges, and those of the ways out. */
function switchesFor(lab: Lab, host: HostState): { bridges: Switch[]; ways: Switch[] } {
  const families = FAMILIES.filter(family => canSwitch(family, host) && forwardedOf(family, lab).length > 0);
  return {
    bridges: families.flatMap(family =>
      forwardedOf(family, lab).map(bridge => switchOf(family, bridgeName(bridge, host))),
    ),
    ways: families.flatMap(family => waysOut(family, lab, host).map(dev => switchOf(family, dev))),
  };
}

/** Each switch of the lab as it was before the first lab turned it on; null where it needs none. */
export function forwardingBefore(lab: Lab, host: HostState): Record<string, string> | null {
  const { bridges, ways } = switchesFor(lab, host);
  const wanted = [...bridges, ...ways];
  if (wanted.length === 0) return null;
  const records = [...currentRecords(host)].sort(
    (a, b) => Number(b.name === lab.name) - Number(a.name === lab.name),
  );
  const before = ({ path }: Switch) =>
    records.map(record => kept(record, path)).find(value => value !== undefined) ?? now(path, host);
  return Object.fromEntries(wanted.map(it => [it.path, before(it)]));
}

/** Switches that were off before a lab came. */
export const openedBy = (forwarding: LabRecord['forwarding']): Switch[] =>
  Object.entries(forwarding ?? {}).flatMap(([path, before]) => (before === '1' ? [] : [switchAt(path)]));

/** Turn on what the lab needs, and off again what it no longer does. */
export function planForwarding(lab: Lab, host: HostState): Step[] {
  const { bridges, ways } = switchesFor(lab, host);
  const off = [...bridges, ...ways].filter(({ path }) => now(path, host) !== '1');
  const wanted = new Set([...bridges, ...ways].map(({ path }) => path));
  const turnOn: Step[] =
    off.length === 0
      ? []
      : [
          {
            title: `forward ${words(off)}`,
            why: 'Linux forwards what comes in by an interface only where that is turned on',
            do: off.map(({ path }) => ({ kind: 'sysctl', path, value: '1' })),
            undo: off.map(({ path }) => ({ kind: 'sysctl', path, value: now(path, host) })),
          },
        ];
  return [...turnOn, ...restoreForwarding(lab.name, host, path => !wanted.has(path), lab)];
}

const words = (switches: readonly Switch[]) =>
  FAMILIES.flatMap(family => {
    const devs = switches.filter(it => it.family === family).map(({ dev }) => dev);
    return devs.length > 0 ? [`IPv${family} from ${devs.join(', ')}`] : [];
  }).join(' and ');

/**
 * The last lab that needed a switch puts it back. A bridge that goes takes its own along.
 * @param lab the lab as it will be, null where it goes as a whole
 */
export function restoreForwarding(
  name: string,
  host: HostState,
  isToRestore: (path: string) => boolean = () => true,
  lab: Lab | null = null,
): Step[] {
  const records = currentRecords(host);
  const own = records.find(record => record.name === name);
  const others = records.filter(record => record.name !== name);
  const staying = new Set(lab?.bridges.map(({ altname }) => altname));
  const goes = (path: string) => {
    const link = linkNamed(host, switchAt(path).dev);
    const marks = link ? marksOf(link) : [];
    return (
      !link || (marks.length > 0 && marks.every(mark => mark.lab === name && !staying.has(mark.altname)))
    );
  };
  const changed = Object.entries(own?.forwarding ?? {}).filter(
    ([path, value]) =>
      isToRestore(path) &&
      others.every(record => kept(record, path) === undefined) &&
      host.sysctls[path] !== undefined &&
      host.sysctls[path] !== value &&
      !goes(path),
  );
  if (changed.length === 0) return [];
  return [
    {
      title: `turn forwarding back: ${words(changed.map(([path]) => switchAt(path)))}`,
      why: 'no lab needs it any longer',
      do: changed.map(([path, value]) => ({ kind: 'sysctl', path, value })),
      undo: changed.map(([path]) => ({ kind: 'sysctl', path, value: host.sysctls[path] ?? '0' })),
    },
  ];
}

/** For a bridge that comes back: its switches as they are now, where a new one would start with others. */
export const sameForwarding = (bridge: string, host: HostState): Action[] =>
  FAMILIES.map(family => switchOf(family, bridge).path).flatMap(path =>
    host.sysctls[path] === undefined || host.sysctls[path] === startsWith(path, host)
      ? []
      : [{ kind: 'sysctl', path, value: host.sysctls[path] }],
  );

/** What the user should know of the ways out. */
export function forwardingNotes(lab: Lab, host: HostState): string[] {
  return FAMILIES.flatMap(family => {
    const bridges = forwardedOf(family, lab);
    if (bridges.length === 0) return [];
    const named = bridges.map(({ name }) => name).join(', ');
    if (family === 6 && !forwardsAll6(host) && !canSwitch(6, host))
      return [
        `IPv6 of ${named} is not forwarded: before Linux 6.17 that can only be turned on for all interfaces, and then the host no longer listens to routers. Where that is well, turn it on yourself and provision again: sysctl net.ipv6.conf.all.forwarding=1 (with net.ipv6.conf.NIC.accept_ra=2 before, where the host has its default route from a router)`,
      ];
    return waysOut(family, lab, host).length === 0
      ? [
          `the host has no IPv${family} default route, so what ${named} sends out gets no further than networks whose interface forwards already; provision again when it has one`,
        ]
      : [];
  });
}

const now = (path: string, host: HostState): string => host.sysctls[path] ?? startsWith(path, host) ?? '0';

/** What a new interface has. */
const startsWith = (path: string, host: HostState): string | undefined =>
  host.sysctls[path.replace(/^(net\/ipv[46]\/conf)\/[^/]+\//, '$1/default/')];

const kept = ({ forwarding }: LabRecord, path: string): string | undefined =>
  forwarding && Object.hasOwn(forwarding, path) ? forwarding[path] : undefined;
