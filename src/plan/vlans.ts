import type { HostState, KernelLack, Link, PortVlan } from '../host/model.js';
import type { Bridge, Lab, Nic, Vlan } from '../lab/model.js';
import { hostVid, portVlan, subInterfaceOf, untaggedOf, uplinkVlanOf, vidsOf } from '../lab/vlans.js';
import { bridgeName, linkNamed, linkOf, marked } from './links.js';
import type { Action, Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { moves } from './uplink-fit.js';

// VLANs of the ports of Linux bridges. A bridge of ours starts with no VLAN on any port (vlan_default_pvid 0), so that
// a port which nobody spoke of carries nothing.

export interface VlanSteps {
  /** Of the bridge itself, of its uplink, and of ports that are there already. */
  readonly uplink: readonly Step[];
  /** Of taps that are about to be made. */
  readonly taps: readonly Step[];
  /** Of ends of namespaces' wires that are about to be made. */
  readonly namespaces: readonly Step[];
}

/**
 * May a new bridge filter from the start? Not where the host's own addresses move to it: it would be cut off until its
 * port has its VLANs.
 */
export function startsFiltering(bridge: Bridge, host: HostState): boolean {
  const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
  return uplink === undefined || !moves(bridge, uplink);
}

/**
 * All lines of all ports become one `bridge -batch` a phase.
 * @param mayRemake whether a NIC's tap may be made again, which loses its VLANs
 * @param broken ends of namespaces' wires that are made again
 */
export function planVlans(
  lab: Lab,
  host: HostState,
  mayRemake: (nic: Nic) => boolean,
  broken: ReadonlySet<Link>,
): VlanSteps {
  const uplink: Step[] = [];
  const taps: Step[] = [];
  const namespaces: Step[] = [];
  for (const bridge of lab.bridges.filter(({ vlanFiltering }) => vlanFiltering)) {
    const name = bridgeName(bridge, host);
    const there = linkOf(bridge, host);
    const carried = uplinkVlanOf(bridge, lab);
    const mine: Vlan = { access: hostVid(bridge, lab) };
    uplink.push(...portStep(name, mine, there ? vlansOf(host, name) : [], ' self'));
    const isPort = (link: Link | undefined) => link !== undefined && link.master === name;
    if (bridge.uplink !== null) {
      const now = isPort(linkNamed(host, bridge.uplink)) ? vlansOf(host, bridge.uplink) : [];
      uplink.push(...portStep(bridge.uplink, carried, now));
    }
    for (const nic of lab.vms.flatMap(vm => vm.nics).filter(nic => nic.bridge === bridge.name)) {
      const tap = marked(host, nic.altname);
      const remade = mayRemake(nic) && tap?.tap && tap.tap.multiQueue !== nic.queues > 1;
      const stays = tap && isPort(tap) && !remade;
      const steps = portStep(tap?.name ?? nic.tap, portVlan(nic), stays ? vlansOf(host, tap.name) : []);
      (stays ? uplink : taps).push(...steps);
    }
    for (const nic of lab.namespaces.flatMap(it => it.nics).filter(nic => nic.bridge === bridge.name)) {
      const end = marked(host, nic.altname);
      const stays = end !== undefined && isPort(end) && !broken.has(end);
      const steps = portStep(end?.name ?? nic.tap, portVlan(nic), stays ? vlansOf(host, end.name) : []);
      (stays ? uplink : namespaces).push(...steps);
    }
    // Last: until each port has its VLANs, a bridge that filters lets nothing through, not even to the host.
    const filters = there ? there.bridge?.vlanFiltering === true : startsFiltering(bridge, host);
    if (!filters) uplink.push(filteringStep(name, true));
  }
  return { uplink, taps, namespaces };
}

/** Have bridges of ours that are to filter no more stop it. */
export const unfilter = (bridge: Bridge, host: HostState): Step[] =>
  !bridge.vlanFiltering && marked(host, bridge.altname)?.bridge?.vlanFiltering
    ? [filteringStep(bridgeName(bridge, host), false)]
    : [];

function filteringStep(name: string, on: boolean): Step {
  const line = (value: boolean) => `link set dev ${name} type bridge vlan_filtering ${value ? 1 : 0}`;
  return {
    title: `${on ? 'keep' : 'no longer keep'} VLANs apart on bridge ${name}`,
    why: on ? 'the lab wants it to, and its ports have their VLANs now' : 'the lab no longer wants it to',
    do: [{ kind: 'ip', lines: [line(on)] }],
    undo: [{ kind: 'ip', lines: [line(!on)] }],
  };
}

/** What differs between the VLANs of a port and those it should have. */
function portStep(port: string, vlan: Vlan, now: readonly PortVlan[], self: ' self' | '' = ''): Step[] {
  const wanted = entriesOf(vlan);
  const isIn = (list: readonly PortVlan[]) => (entry: PortVlan) =>
    list.some(
      ({ vid, pvid, untagged }) => vid === entry.vid && pvid === entry.pvid && untagged === entry.untagged,
    );
  const added = wanted.filter(entry => !isIn(now)(entry));
  const removed = now.filter(({ vid }) => !wanted.some(entry => entry.vid === vid));
  if (added.length + removed.length === 0) return [];
  const add = (entry: PortVlan) => `vlan add dev ${port} vid ${entry.vid}${flagsOf(entry)}${self}`;
  const del = ({ vid }: PortVlan) => `vlan del dev ${port} vid ${vid}${self}`;
  const replaced = now.filter(({ vid }) => added.some(entry => entry.vid === vid));
  const fresh = added.filter(({ vid }) => !now.some(entry => entry.vid === vid));
  return [
    {
      title: `have ${port} carry ${describeVlan(vlan)}`,
      why: now.length === 0 ? 'it is in no VLAN' : `it carries ${now.map(entryText).join(', ')}`,
      do: [{ kind: 'ip', program: 'bridge', lines: [...added.map(add), ...removed.map(del)] }],
      undo: [
        {
          kind: 'ip',
          program: 'bridge',
          lines: [...fresh.map(del), ...[...replaced, ...removed].map(add)],
        },
      ],
    },
  ];
}

/** A port may be named `toString`, which every object has. */
const vlansOf = ({ vlans = {} }: HostState, port: string): readonly PortVlan[] =>
  (Object.hasOwn(vlans, port) ? vlans[port] : undefined) ?? [];

const entriesOf = (vlan: Vlan): PortVlan[] =>
  vidsOf(vlan).map(vid => ({ vid, pvid: vid === untaggedOf(vlan), untagged: vid === untaggedOf(vlan) }));

const flagsOf = ({ pvid, untagged }: PortVlan) => `${pvid ? ' pvid' : ''}${untagged ? ' untagged' : ''}`;

const entryText = (entry: PortVlan) => `${entry.vid}${flagsOf(entry)}`;

/** For people. */
export const describeVlan = (vlan: Vlan): string =>
  'access' in vlan
    ? `VLAN ${vlan.access}`
    : `${vlan.trunk.length > 0 ? `VLANs ${vlan.trunk.join(', ')} with tags` : 'no VLAN with tags'}${vlan.native === null ? '' : `, VLAN ${vlan.native} without`}`;

/** The VLANs that ports were seen with, for when they come back, and those of their bridge itself. */
export function portVlans(host: HostState, ports: readonly Link[], bridge: string | null = null): Action[] {
  const own = bridge === null ? [] : vlansAgain(host, bridge, ' self');
  const lines = [...own, ...ports.flatMap(port => vlansAgain(host, port.name))];
  return lines.length > 0 ? [{ kind: 'ip', program: 'bridge', lines }] : [];
}

const vlansAgain = (host: HostState, port: string, self: ' self' | '' = ''): string[] =>
  vlansOf(host, port).map(entry => `vlan add dev ${port} vid ${entry.vid}${flagsOf(entry)}${self}`);

const LACKS: Readonly<Record<KernelLack, { readonly what: string; readonly needs: string }>> = {
  'vlan-filtering': {
    what: 'keep VLANs apart on a bridge',
    needs: 'CONFIG_BRIDGE_VLAN_FILTERING',
  },
  'vlan-interface': { what: 'make VLAN interfaces (802.1Q)', needs: 'CONFIG_VLAN_8021Q' },
};

/** What this host's kernel was seen not to be able to do. */
export function findLacks(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  for (const lack of host.lacks ?? []) {
    const { what, needs } = LACKS[lack];
    const bridge = lab.bridges.find(({ vlanFiltering, uplink }) =>
      lack === 'vlan-filtering' ? vlanFiltering : uplink !== null && subInterfaceOf(uplink) !== null,
    );
    if (!bridge) continue;
    const key = lack === 'vlan-filtering' ? 'vlanFiltering' : `uplink: ${bridge.uplink}`;
    problems.push({
      code: 'bad-lab',
      message: `bridges.${bridge.name}.${key}: the kernel of this host cannot ${what}; it was tried`,
      fix: `It needs ${needs}, which the kernels of Debian and Ubuntu have; or ${lack === 'vlan-filtering' ? 'take "vlanFiltering" and each "vlan" out, or use "type": "ovs", which brings VLANs of its own' : `name ${linkNamed(host, subInterfaceOf(bridge.uplink ?? '')?.parent ?? '')?.name ?? 'the physical interface'} as the uplink of a bridge of "type": "ovs", with "vlan" for its NICs`}.`,
    });
  }
}
