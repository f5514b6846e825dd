import type { HostState, Link } from '../host/model.js';
import type { Lab, Nic } from '../lab/model.js';
import { bridgeMtu } from './bridge.js';
import { marked, markLines, ownerOf, removal } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';

/** What a tap's MAC has to be: the guest's with first byte `fe`, so that the bridge never takes it for its own. */
export const tapMac = (nic: Nic) => `fe${nic.mac.slice(2)}`;

/** Create what is missing, mend what differs; all lines of all taps become one batch. */
export function planTaps(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  const bridges = new Map(
    lab.bridges.map(bridge => [
      bridge.name,
      { name: marked(host, bridge.altname)?.name ?? bridge.name, mtu: bridgeMtu(bridge, host) },
    ]),
  );
  const index = { byMark: new Map<string, Link>(), byName: new Map<string, Link>() };
  for (const link of host.links) {
    index.byName.set(link.name, link);
    for (const altname of link.altnames) index.byMark.set(altname, link);
  }
  return lab.vms.flatMap(vm =>
    vm.nics.flatMap(nic => {
      const bridge = bridges.get(nic.bridge) ?? { name: nic.bridge, mtu: 1500 };
      const wanted: Wanted = { nic, bridge: bridge.name, mtu: nic.mtu ?? bridge.mtu };
      const ours = index.byMark.get(nic.altname);
      if (ours) return mend(wanted, ours);
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
}

function create({ nic, bridge, mtu }: Wanted): Step {
  return {
    title: `create tap ${nic.tap} on ${bridge} for ${nic.vm}, NIC ${nic.index}`,
    why: 'the lab names it and the host has none',
    do: [{ kind: 'ip', lines: createLines(nic, bridge, mtu) }],
    undo: [{ kind: 'delete-links', links: [{ altname: nic.altname, createdAs: nic.tap }] }],
  };
}

/** Marked at once; MAC before it is enslaved; enslaved before it is up. */
function createLines(nic: Nic, bridge: string, mtu: number): string[] {
  const queues = nic.queues > 1 ? ' multi_queue' : '';
  return [
    `tuntap add dev ${nic.tap} mode tap vnet_hdr${queues}`,
    ...markLines(nic.tap, nic.altname, nic.alias),
    `link set dev ${nic.tap} address ${tapMac(nic)} mtu ${mtu} addrgenmode none`,
    `link set dev ${nic.tap} master ${bridge} up`,
  ];
}

/** Settings of a tap of ours that are not as the lab wants them. */
function mend({ nic, bridge, mtu }: Wanted, link: Link): Step[] {
  if (link.tap && link.tap.multiQueue !== nic.queues > 1) return [remake({ nic, bridge, mtu }, link)];
  const steps: Step[] = [];
  const change = (title: string, why: string, to: string, from: string) =>
    steps.push({
      title: `${title} of tap ${link.name} (${nic.vm}, NIC ${nic.index})`,
      why,
      do: [{ kind: 'ip', lines: [`link set dev ${link.name} ${to}`] }],
      undo: [{ kind: 'ip', lines: [`link set dev ${link.name} ${from}`] }],
    });
  if (link.mac !== tapMac(nic))
    change('set MAC', `it is ${link.mac}`, `address ${tapMac(nic)}`, `address ${link.mac}`);
  if (link.mtu !== mtu) change(`set MTU ${mtu}`, `it is ${link.mtu}`, `mtu ${mtu}`, `mtu ${link.mtu}`);
  if (link.master !== bridge) {
    const was = link.master ? `it is a port of ${link.master}` : 'it is a port of no bridge';
    change(`move to ${bridge}`, was, `master ${bridge}`, link.master ? `master ${link.master}` : 'nomaster');
  }
  if (!link.up) change('bring up', 'it is down', 'up', 'down');
  return steps;
}

/** The number of queues is fixed when a tap is made. */
function remake(wanted: Wanted, link: Link): Step {
  const { nic, bridge, mtu } = wanted;
  const before = { ...nic, queues: link.tap?.multiQueue ? 2 : 1, tap: link.name };
  return {
    title: `make tap ${link.name} again with ${nic.queues > 1 ? 'several queues' : 'one queue'}`,
    why: 'the kind of queue is fixed when a tap is made',
    do: [
      { kind: 'delete-links', links: [{ altname: nic.altname, createdAs: null }] },
      { kind: 'ip', lines: createLines(nic, bridge, mtu) },
    ],
    undo: [
      { kind: 'delete-links', links: [{ altname: nic.altname, createdAs: nic.tap }] },
      { kind: 'ip', lines: createLines(before, link.master ?? bridge, link.mtu) },
    ],
  };
}
