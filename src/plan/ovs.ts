import type { HostState, Link, OvsBridge } from '../host/model.js';
import type { Bridge, Lab } from '../lab/model.js';
import { formerCidrs } from './bridge.js';
import { addressAdd, addressSteps, staticCidrs } from './bridge-addresses.js';
import { linkNamed, ownerOf, removal } from './links.js';
import type { Action, Step } from './model.js';
import { datapathOf, isOvsPort, ovsBridge } from './ovs-state.js';
import {
  addBridge,
  addPort,
  type Command,
  delPort,
  isSameVlan,
  markColumn,
  ownVlan,
  setBridge,
  setInterface,
  setPort,
  uplinkVlan,
  vlanColumns,
  vlanText,
} from './ovs-words.js';
import { ovsPart } from './parts.js';
import type { PlanProblem } from './problems.js';
import { absent, riskOf, unfit } from './uplink-fit.js';

// Bridges of Open vSwitch: one transaction makes a bridge with its uplink, and marks both.

/** Create what is missing, mend what differs. */
export function planOvs(lab: Lab, host: HostState, yes: boolean, problems: PlanProblem[]): Step[] {
  const { bridges } = ovsPart(lab);
  const [first] = bridges;
  if (first === undefined) return [];
  const trouble = host.ovs ? host.ovs.trouble : 'not-installed';
  if (trouble !== null) {
    problems.push({ code: 'bad-lab', ...TROUBLE[trouble](first.name) });
    return [];
  }
  return bridges.flatMap(bridge => {
    const present = ovsBridge(bridge.name, host);
    const found = [...ownershipOf(bridge, present, lab.name, host), ...uplinkProblems(bridge, host, yes)];
    problems.push(...found);
    if (found.length > 0) return [];
    return present ? mend(bridge, present, lab, host) : [create(bridge, lab, host)];
  });
}

const TROUBLE = {
  'not-installed': (bridge: string) => ({
    message: `bridges.${bridge} is one of Open vSwitch, which is not installed on this host`,
    fix: 'Install it: apt-get install openvswitch-switch; or use "type": "linux".',
  }),
  'no-database': (bridge: string) => ({
    message: `bridges.${bridge} is one of Open vSwitch, which does not run: its database server (ovsdb-server) does not listen`,
    fix: 'Start it: systemctl start openvswitch-switch (without systemd: /usr/share/openvswitch/scripts/ovs-ctl start).',
  }),
  'no-switch': (bridge: string) => ({
    message: `bridges.${bridge} is one of Open vSwitch, whose switch (ovs-vswitchd) does not answer`,
    fix: 'Start it: systemctl restart openvswitch-switch (without systemd: /usr/share/openvswitch/scripts/ovs-ctl restart).',
  }),
};

function ownershipOf(
  bridge: Bridge,
  present: OvsBridge | undefined,
  lab: string,
  host: HostState,
): PlanProblem[] {
  const other = { code: 'conflict', fix: 'Give the bridge another name in the lab file' } as const;
  const at = `the bridge ${bridge.name} cannot be made`;
  if (present && present.lab !== lab)
    return [
      {
        ...other,
        message: `${at}: Open vSwitch has one of that name, and ${present.lab === null ? 'it was not made by vmnet' : `it belongs to the lab ${present.lab}`}`,
        fix: `${other.fix}${present.lab === null ? '' : `, or destroy that lab: vmnet destroy ${present.lab}`}.`,
      },
    ];
  const foreign = present ? undefined : linkNamed(host, bridge.name);
  if (!foreign) return [];
  return [
    {
      ...other,
      message: `${at}: an interface of that name exists, and ${ownerOf(foreign)}`,
      fix: `${other.fix}${removal(foreign)}.`,
    },
  ];
}

function uplinkProblems(bridge: Bridge, host: HostState, yes: boolean): PlanProblem[] {
  if (bridge.uplink === null || isOvsPort(bridge.name, bridge.uplink, host)) return [];
  const link = linkNamed(host, bridge.uplink);
  const taken = host.ovs?.bridges.find(({ ports }) => ports.some(({ name }) => name === bridge.uplink));
  if (taken)
    return [
      {
        code: 'bad-lab',
        message: `bridges.${bridge.name}.uplink: ${bridge.uplink} is a port of ${taken.name} of Open vSwitch already`,
        fix: `Free it first (${taken.lab ? `vmnet destroy ${taken.lab}` : `ovs-vsctl del-port ${taken.name} ${bridge.uplink}`}), or name another interface.`,
      },
    ];
  const problem = link ? unfit(bridge, link, host) : absent(bridge, bridge.uplink, host);
  if (problem) return [problem];
  const risk = yes || !link ? null : riskOf(bridge, link, host);
  return risk ? [risk] : [];
}

/** Columns of the uplink's port. */
const uplinkColumns = (bridge: Bridge, lab: Lab) => {
  const vlan = uplinkVlan(bridge, lab);
  return [markColumn(lab.name), ...(vlan === null ? [] : vlanColumns(vlan))];
};

const up = (name: string) => `link set dev ${name} up`;

function create(bridge: Bridge, lab: Lab, host: HostState): Step {
  const { name, uplink, mtu } = bridge;
  const datapath = datapathOf(bridge, host);
  const own = ownVlan(bridge, lab);
  const link = uplink === null ? undefined : linkNamed(host, uplink);
  const commands = [
    ...addBridge({ ...bridge, datapath }, lab.name),
    ...(own === null ? [] : [setPort(name, vlanColumns(own))]),
    ...(mtu === null ? [] : [setInterface(name, [`mtu_request=${mtu}`])]),
    ...(uplink === null ? [] : addPort(name, uplink, uplinkColumns(bridge, lab))),
  ];
  const lines = [
    ...(link && !link.up ? [up(link.name)] : []),
    `link set dev ${name} addrgenmode none`,
    up(name),
    ...staticCidrs(bridge).map(cidr => addressAdd(cidr, name)),
  ];
  const how = datapath === 'system' ? "in the kernel's datapath" : 'in user space';
  return {
    title: `create bridge ${name} of Open vSwitch${uplink === null ? '' : ` with the uplink ${uplink}`}`,
    why: `the lab names it and Open vSwitch has none; it is switched ${how}${datapath === 'netdev' ? ', since this kernel has no datapath for it' : ''}`,
    do: [
      { kind: 'ovs', commands },
      { kind: 'ip', lines },
    ],
    undo: [{ kind: 'delete-ovs', bridge: name, lab: lab.name }, ...(link ? downAgain(link) : [])],
  };
}

const downAgain = (link: Link): Action[] =>
  link.up ? [] : [{ kind: 'ip', lines: [`link set dev ${link.name} down`] }];

/** Settings of a bridge of ours that are not as the lab wants them. */
function mend(bridge: Bridge, present: OvsBridge, lab: Lab, host: HostState): Step[] {
  const { name, uplink } = bridge;
  const steps: Step[] = [];
  const change = (title: string, why: string, to: Command[], from: Command[]) =>
    steps.push({
      title,
      why,
      do: [{ kind: 'ovs', commands: to }],
      undo: [{ kind: 'ovs', commands: from }],
    });
  const column = (what: string, key: string, wanted: unknown, was: unknown) => {
    if (wanted === was) return;
    const set = (value: unknown) =>
      value === null
        ? ['--if-exists', 'remove', 'Bridge', name, 'other_config', 'hwaddr']
        : setBridge(name, [`${key}=${value}`]);
    change(
      `set ${what} of bridge ${name} to ${plain(wanted)}`,
      `it is ${plain(was)}`,
      [set(wanted)],
      [set(was)],
    );
  };
  const plain = (value: unknown) => String(value ?? 'not set').replaceAll('"', '');
  const quoted = (mac: string | null) => (mac === null ? null : `"${mac}"`);
  column('MAC', 'other_config:hwaddr', quoted(bridge.mac), quoted(present.mac));
  column('STP', 'stp_enable', bridge.stp, present.stp);
  if (bridge.multicastSnooping !== null)
    column(
      'multicast snooping',
      'mcast_snooping_enable',
      bridge.multicastSnooping,
      present.multicastSnooping,
    );
  for (const port of present.ports.filter(it => it.lab === lab.name && it.name !== uplink))
    change(
      `take ${port.name} off ${name}`,
      'the lab no longer names it as the uplink',
      [delPort(name, port.name)],
      addPort(name, port.name, [markColumn(lab.name), ...vlanColumns(port.vlan)]),
    );
  if (uplink !== null && !isOvsPort(name, uplink, host))
    change(
      `add the uplink ${uplink} to ${name}`,
      'it is no port of the bridge',
      addPort(name, uplink, uplinkColumns(bridge, lab)),
      [delPort(name, uplink)],
    );
  for (const [port, wanted] of [
    [uplink, uplinkVlan(bridge, lab)],
    [name, ownVlan(bridge, lab)],
  ] as const) {
    const now = present.ports.find(it => it.name === port);
    if (!now || isSameVlan(now.vlan, wanted)) continue;
    change(
      `have ${now.name} carry ${vlanText(wanted)} on ${name}`,
      `it carries ${vlanText(now.vlan)}`,
      [setPort(now.name, vlanColumns(wanted))],
      [setPort(now.name, vlanColumns(now.vlan))],
    );
  }
  const link = linkNamed(host, name);
  if (bridge.mtu !== null && link && link.mtu !== bridge.mtu)
    change(
      `set MTU of bridge ${name} to ${bridge.mtu}`,
      `it is ${link.mtu}`,
      [setInterface(name, [`mtu_request=${bridge.mtu}`])],
      [setInterface(name, [`mtu_request=${link.mtu}`])],
    );
  for (const dev of [link, uplink === null ? undefined : linkNamed(host, uplink)])
    if (dev && !dev.up)
      steps.push({
        title: `bring ${dev.name} up`,
        why: 'it is down',
        do: [{ kind: 'ip', lines: [up(dev.name)] }],
        undo: [{ kind: 'ip', lines: [`link set dev ${dev.name} down`] }],
      });
  return [...steps, ...(link ? addressSteps(bridge, link, formerCidrs(bridge, host)) : [])];
}
