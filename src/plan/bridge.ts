import type { HostState, Link } from '../host/model.js';
import type { Bridge, Lab } from '../lab/model.js';
import { adoption, notAdoptable } from './adopt.js';
import { addressAdd, addressSteps, staticCidrs } from './bridge-addresses.js';
import { linkNamed, marked, markLines, marksOf, ownerOf, removal } from './links.js';
import type { Step } from './model.js';
import { currentRecords } from './netfilter.js';
import type { PlanProblem } from './problems.js';
import { join, modeClash, otherLabs, settingsClash, uplinkClash } from './shared.js';
import { startsFiltering, unfilter } from './vlans.js';

/** Bytes, where neither the lab nor an uplink says otherwise. */
const DEFAULT_MTU = 1500;

/** A bridge's MTU: the lab's, else its uplink's; a permanent one's is what it has. */
export function bridgeMtu(bridge: Bridge, host: HostState): number {
  if (bridge.permanent) return linkNamed(host, bridge.name)?.mtu ?? DEFAULT_MTU;
  const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
  return bridge.mtu ?? uplink?.mtu ?? sharedMtu(bridge, host) ?? DEFAULT_MTU;
}

/** The same of every bridge of a lab, by name. */
export const bridgeMtus = (lab: Lab, host: HostState): Readonly<Record<string, number>> =>
  Object.fromEntries(lab.bridges.map(bridge => [bridge.name, bridgeMtu(bridge, host)]));

/** Who states none takes that of the lab that is there already. */
function sharedMtu(bridge: Bridge, host: HostState): number | undefined {
  const link = linkNamed(host, bridge.name);
  return link && marksOf(link).some(({ altname }) => altname !== bridge.altname) ? link.mtu : undefined;
}

/** Create what is missing, mend what differs. */
export function planBridges(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  return lab.bridges.flatMap(bridge => {
    if (bridge.permanent) {
      problems.push(...notAdoptable(bridge, host));
      return [];
    }
    const ours = marked(host, bridge.altname);
    const there = ours ?? linkNamed(host, bridge.name);
    const clashes = there ? [uplinkClash, modeClash].map(find => find(bridge, there, lab.name, host)) : [];
    problems.push(...clashes.filter(clash => clash !== undefined));
    if (ours)
      return [
        ...mend(bridge, ours, lab.name, host),
        ...addressSteps(bridge, ours, formerCidrs(bridge, host)),
      ];
    if (there === undefined) return [create(bridge, host)];
    if (there.kind === 'bridge' && otherLabs(there, lab.name).length > 0) {
      const changes = mend(bridge, there, lab.name, host);
      if (changes.length > 0) problems.push(settingsClash(bridge, there, lab.name, changes));
      return [join(bridge, there, lab.name), ...addressSteps(bridge, there, [])];
    }
    problems.push({
      code: 'conflict',
      message: `the bridge ${bridge.name} cannot be made: an interface of that name exists, and ${ownerOf(there)}`,
      fix: `Give the bridge another name in the lab file${adoption(bridge, there)}${removal(there)}.`,
    });
    return [];
  });
}

function create(bridge: Bridge, host: HostState): Step {
  const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
  // The MAC is pinned: else the bridge takes its lowest port's, and the host's DHCP lease goes with it.
  const settings = {
    ...bridge,
    vlans: bridge.vlanFiltering ? ({ filtering: startsFiltering(bridge, host) } as const) : null,
    mac: uplink?.mac ?? bridge.mac,
    mtu: bridgeMtu(bridge, host),
    cidrs: staticCidrs(bridge),
  };
  return {
    title: `create bridge ${bridge.name}`,
    why: 'the lab names it and the host has none',
    do: [{ kind: 'ip', lines: bridgeLines(settings) }],
    undo: [{ kind: 'delete-links', links: [{ altname: bridge.altname, createdAs: bridge.name }] }],
  };
}

interface BridgeSettings extends SpanningTree {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly multicastSnooping: boolean | null;
  /** null for a bridge that knows none. */
  readonly vlans: { readonly filtering: boolean } | null;
  readonly altname: string;
  readonly alias: string;
  /** In the order to add them in. */
  readonly cidrs: readonly string[];
}

/** Lines that make a bridge, marked at once. */
export function bridgeLines({ name, mac, mtu, multicastSnooping, ...bridge }: BridgeSettings): string[] {
  const options = [
    `stp_state ${bridge.stp ? 1 : 0}`,
    `forward_delay ${bridge.forwardDelay * 100}`,
    ...(multicastSnooping === null ? [] : [`mcast_snooping ${multicastSnooping ? 1 : 0}`]),
    ...(bridge.vlans ? [`vlan_filtering ${bridge.vlans.filtering ? 1 : 0} vlan_default_pvid 0`] : []),
  ];
  return [
    `link add name ${name} address ${mac} mtu ${besides(mtu)} type bridge ${options.join(' ')}`,
    ...markLines(name, bridge.altname, bridge.alias),
    // A bridge follows its lowest port's MTU until its own is changed; the same one set again counts for nothing.
    // No link-local address of its own: the host is on this bridge only where the lab says so.
    `link set dev ${name} mtu ${mtu} addrgenmode none`,
    `link set dev ${name} up`,
    ...bridge.cidrs.map(cidr => addressAdd(cidr, name)),
  ];
}

/** Another MTU, never one below IPv6's least, at which the kernel would take IPv6 off the device. */
const besides = (mtu: number) => (mtu < MAX_MTU ? mtu + 1 : mtu - 1);

/** Bytes; Linux: ETH_MAX_MTU. */
const MAX_MTU = 65535;

/** Settings of a bridge of ours that are not as the lab wants them. */
function mend(bridge: Bridge, link: Link, lab: string, host: HostState): Step[] {
  const steps: Step[] = [];
  const change = (what: string, from: string, to: string, line: (value: string) => string) => {
    if (from === to) return;
    steps.push({
      title: `set ${what} of bridge ${link.name} to ${to}`,
      why: `it is ${from}`,
      do: [{ kind: 'ip', lines: [line(to)] }],
      undo: [{ kind: 'ip', lines: [line(from)] }],
    });
  };
  const set = (words: string) => (value: string) => `link set dev ${link.name} ${words} ${value}`;
  const was = link.bridge;
  if (bridge.uplink === null && otherLabs(link, lab).length === 0)
    change('MAC', link.mac, bridge.mac, set('address'));
  change('mtu', String(link.mtu), String(bridgeMtu(bridge, host)), set('mtu'));
  if (was && (was.stp !== bridge.stp || was.forwardDelay !== bridge.forwardDelay))
    steps.push(spanningTree(link.name, was, bridge));
  if (bridge.multicastSnooping !== null) {
    const digit = (on: boolean | undefined) => (on ? '1' : '0');
    change(
      'multicast snooping',
      digit(was?.multicastSnooping),
      digit(bridge.multicastSnooping),
      set('type bridge mcast_snooping'),
    );
  }
  if (bridge.vlanFiltering)
    change('default VLAN', String(was?.defaultPvid ?? 1), '0', set('type bridge vlan_default_pvid'));
  if (!link.up) change('state', 'down', 'up', value => `link set dev ${link.name} ${value}`);
  return [...steps, ...unfilter(bridge, host)];
}

interface SpanningTree {
  readonly stp: boolean;
  readonly forwardDelay: number;
}

/** One step, STP first both ways: with STP on, the kernel takes no delay below 2 seconds. */
function spanningTree(name: string, was: SpanningTree, wanted: SpanningTree): Step {
  const lines = ({ stp, forwardDelay }: SpanningTree) => [
    `link set dev ${name} type bridge stp_state ${stp ? 1 : 0}`,
    `link set dev ${name} type bridge forward_delay ${forwardDelay * 100}`,
  ];
  const words = ({ stp, forwardDelay }: SpanningTree) =>
    `${stp ? 'on' : 'off'}, forward delay ${forwardDelay} s`;
  return {
    title: `set STP of bridge ${name}: ${words(wanted)}`,
    why: `it is ${words(was)}`,
    do: [{ kind: 'ip', lines: lines(wanted) }],
    undo: [{ kind: 'ip', lines: lines(was) }],
  };
}

/** The static addresses that the lab gave this bridge when it was last applied. */
export function formerCidrs(bridge: Bridge, host: HostState): readonly string[] {
  const records = currentRecords(host).flatMap(record => record.lab.bridges);
  const former = records.find(({ altname }) => altname === bridge.altname);
  return former ? staticCidrs(former) : [];
}
