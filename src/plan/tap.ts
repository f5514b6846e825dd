import type { HostState, LibvirtUser, Link } from '../host/model.js';
import type { Lab, Nic } from '../lab/model.js';
import { bridgeMtu } from './bridge.js';
import { bridgeName, markLines, ownerOf, removal } from './links.js';
import type { Action, Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { queuesAgain } from './queues.js';

/** What a tap's MAC has to be: the guest's with first byte `fe`, so that the bridge never takes it for its own. */
export const tapMac = (nic: Nic) => `fe${nic.mac.slice(2)}`;

/**
 * Create what is missing, mend what differs; all lines of all taps become one batch.
 * @param mayRemake whether a VM's tap may be taken from it: not while its guest runs on
 */
export function planTaps(
  lab: Lab,
  host: HostState,
  mayRemake: (vm: string) => boolean,
  problems: PlanProblem[],
): Step[] {
  const bridges = new Map(
    lab.bridges.map(bridge => [
      bridge.name,
      { name: bridgeName(bridge, host), mtu: bridgeMtu(bridge, host) },
    ]),
  );
  const index = { byMark: new Map<string, Link>(), byName: new Map<string, Link>() };
  for (const link of host.links) {
    index.byName.set(link.name, link);
    for (const altname of link.altnames) index.byMark.set(altname, link);
  }
  return lab.vms.flatMap(vm =>
    vm.nics.flatMap(nic => {
      if (nic.bridge === null) return [];
      const bridge = bridges.get(nic.bridge) ?? { name: nic.bridge, mtu: 1500 };
      const { name } = bridge;
      const wanted = { nic, bridge: name, mtu: nic.mtu ?? bridge.mtu, user: host.libvirtUser ?? null };
      const ours = index.byMark.get(nic.altname);
      if (ours) return mend(wanted, ours, mayRemake, () => queuesAgain([ours], lab.name, host));
      const foreign = index.byName.get(nic.tap);
      if (foreign === undefined) return [create(wanted)];
      problems.push({
        code: 'conflict',
        message: `the tap ${nic.tap} of ${nic.vm} cannot be made: an interface of that name exists, and ${ownerOf(foreign)}`,
        fix: `Give the NIC another "tap" in the lab file${removal(foreign)}.`,
      });
      return [];
    }),
  );
}

interface Wanted {
  readonly nic: Nic;
  /** The bridge's present name. */
  readonly bridge: string;
  readonly mtu: number;
  /** Whose QEMU opens it; null where that is given it by root. */
  readonly user: LibvirtUser | null;
}

function create(wanted: Wanted): Step {
  const { nic, bridge, user } = wanted;
  const whose = user === null ? '' : `, owned by ${user.name}`;
  return {
    title: `create tap ${nic.tap} on ${bridge} for ${nic.vm}, NIC ${nic.index}${whose}`,
    why: 'the lab names it and the host has none',
    do: [{ kind: 'ip', lines: createLines(wanted) }],
    undo: [{ kind: 'delete-links', links: [{ altname: nic.altname, createdAs: nic.tap }] }],
  };
}

const createLines = ({ nic, bridge, mtu, user }: Wanted): string[] =>
  tapLines({
    ...nic,
    owner: user === null ? null : String(user.uid),
    name: nic.tap,
    multiQueue: nic.queues > 1,
    mac: tapMac(nic),
    mtu,
    master: bridge,
    up: true,
  });

interface TapSettings {
  readonly name: string;
  readonly multiQueue: boolean;
  readonly owner: string | null;
  readonly altname: string;
  readonly alias: string;
  readonly mac: string;
  readonly mtu: number;
  readonly master: string | null;
  readonly isolated: boolean;
  readonly up: boolean;
}

/** Marked at once; MAC before it is enslaved; enslaved, and isolated, before it is up. */
const tapLines = (tap: TapSettings): string[] => [
  [
    `tuntap add dev ${tap.name} mode tap vnet_hdr`,
    ...(tap.multiQueue ? ['multi_queue'] : []),
    ...(tap.owner === null ? [] : [`user ${tap.owner}`]),
  ].join(' '),
  ...markLines(tap.name, tap.altname, tap.alias),
  `link set dev ${tap.name} address ${tap.mac} mtu ${tap.mtu} addrgenmode none`,
  ...(tap.master ? [`link set dev ${tap.name} master ${tap.master}`] : []),
  ...(tap.master && tap.isolated ? [isolation(tap.name, true)] : []),
  ...(tap.up ? [`link set dev ${tap.name} up`] : []),
];

const words = (isolated: boolean) => `type bridge_slave isolated ${isolated ? 'on' : 'off'}`;
export const isolation = (name: string, on: boolean) => `link set dev ${name} ${words(on)}`;

/** Lines that make a tap again as it was observed. */
export const sameAgain = (link: Link, altname: string): string[] =>
  tapLines({
    ...link,
    multiQueue: link.tap?.multiQueue ?? false,
    owner: link.tap?.owner ?? null,
    altname,
    alias: link.alias ?? altname,
  });

/** Settings of a tap of ours that are not as the lab wants them. */
function mend(
  wanted: Wanted,
  link: Link,
  mayRemake: (vm: string) => boolean,
  queues: () => readonly Action[],
): Step[] {
  const { nic, bridge, mtu } = wanted;
  const fixed = link.tap && differsForGood(wanted, link.tap);
  // A running guest holds its tap; the note on its definition says that it has to be restarted.
  if (fixed) return mayRemake(nic.vm) ? [remake(wanted, link, fixed, queues())] : [];
  const steps: Step[] = [];
  const change = (title: string, why: string, to: string, ...from: string[]) =>
    steps.push({
      title: `${title} (${nic.vm}, NIC ${nic.index})`,
      why,
      do: [{ kind: 'ip', lines: [`link set dev ${link.name} ${to}`] }],
      undo: [{ kind: 'ip', lines: from.map(it => `link set dev ${link.name} ${it}`) }],
    });
  if (link.mac !== tapMac(nic))
    change(
      `set MAC of tap ${link.name}`,
      `it is ${link.mac}`,
      `address ${tapMac(nic)}`,
      `address ${link.mac}`,
    );
  if (link.mtu !== mtu)
    change(`set MTU of tap ${link.name} to ${mtu}`, `it is ${link.mtu}`, `mtu ${mtu}`, `mtu ${link.mtu}`);
  if (link.master !== bridge) {
    const was = link.master ? `it is a port of ${link.master}` : 'it is a port of no bridge';
    change(
      `move tap ${link.name} to ${bridge}`,
      was,
      `master ${bridge}`,
      link.master ? `master ${link.master}` : 'nomaster',
      ...(link.isolated ? [words(true)] : []),
    );
  }
  // The flag is the port's: on another bridge it begins anew.
  const isolated = link.isolated && link.master === bridge;
  if (isolated !== nic.isolated)
    change(
      nic.isolated ? `isolate tap ${link.name}` : `isolate tap ${link.name} no longer`,
      nic.isolated ? 'it reaches the other isolated ports' : 'the lab lets it reach all ports',
      words(nic.isolated),
      words(isolated),
    );
  if (!link.up) change(`bring tap ${link.name} up`, 'it is down', 'up', 'down');
  return steps;
}

/** What is fixed when a tap is made and not as the lab wants it: what it is to have, and why. */
function differsForGood({ nic, user }: Wanted, tap: NonNullable<Link['tap']>): Fixed | null {
  if (tap.multiQueue !== nic.queues > 1)
    return {
      having: `with ${nic.queues > 1 ? 'several queues' : 'one queue'}`,
      why: 'the kind of queue is fixed when a tap is made',
    };
  const isOwners =
    user === null ? tap.owner === undefined : [user.name, String(user.uid)].includes(tap.owner ?? '');
  if (isOwners) return null;
  return {
    having: user === null ? 'for root alone' : `for the user ${user.name}`,
    why: `${tap.owner === undefined ? 'only root may open it' : `its owner is ${tap.owner}`}, and that is given when it is made`,
  };
}

interface Fixed {
  readonly having: string;
  readonly why: string;
}

/** @param again what else the old one had */
function remake(wanted: Wanted, link: Link, { having, why }: Fixed, again: readonly Action[]): Step {
  const { nic } = wanted;
  return {
    title: `make tap ${link.name} again ${having}`,
    why,
    do: [
      { kind: 'delete-links', links: [{ altname: nic.altname, createdAs: null }] },
      { kind: 'ip', lines: createLines(wanted) },
    ],
    undo: [
      { kind: 'delete-links', links: [{ altname: nic.altname, createdAs: nic.tap }] },
      { kind: 'ip', lines: sameAgain(link, nic.altname) },
      ...again,
    ],
  };
}
