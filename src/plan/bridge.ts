import type { HostState, Link } from '../host/model.js';
import { parseCidr } from '../lab/cidr.js';
import type { Bridge, Lab } from '../lab/model.js';
import { adoption, notAdoptable } from './adopt.js';
import { linkNamed, marked, markLines, ownerOf, removal } from './links.js';
import type { Step } from './model.js';
import { currentRecords } from './netfilter.js';
import type { PlanProblem } from './problems.js';

/** Bytes, where neither the lab nor an uplink says otherwise. */
const DEFAULT_MTU = 1500;

/** A bridge's MTU: the lab's, else its uplink's; a permanent one's is what it has. */
export function bridgeMtu(bridge: Bridge, host: HostState): number {
  if (bridge.permanent) return linkNamed(host, bridge.name)?.mtu ?? DEFAULT_MTU;
  const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
  return bridge.mtu ?? uplink?.mtu ?? DEFAULT_MTU;
}

/** Create what is missing, mend what differs. */
export function planBridges(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  return lab.bridges.flatMap(bridge => {
    if (bridge.permanent) {
      problems.push(...notAdoptable(bridge, host));
      return [];
    }
    const ours = marked(host, bridge.altname);
    if (ours) return mend(bridge, ours, host);
    const foreign = linkNamed(host, bridge.name);
    if (foreign === undefined) return [create(bridge, host)];
    problems.push({
      code: 'conflict',
      message: `the bridge ${bridge.name} cannot be made: an interface of that name exists, and ${ownerOf(foreign)}`,
      fix: `Give the bridge another name in the lab file${adoption(bridge, foreign)}${removal(foreign)}.`,
    });
    return [];
  });
}

function create(bridge: Bridge, host: HostState): Step {
  const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
  // The MAC is pinned: else the bridge takes its lowest port's, and the host's DHCP lease goes with it.
  const settings = {
    ...bridge,
    mac: uplink?.mac ?? bridge.mac,
    mtu: bridgeMtu(bridge, host),
    cidrs: cidrs(bridge),
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

const addressAdd = (cidr: string, dev: string) =>
  `address add ${cidr} dev ${dev}${cidr.includes(':') ? ' nodad' : ''}`;

const cidrs = (bridge: Bridge) => (bridge.address.mode === 'static' ? bridge.address.cidrs : []);

/** Settings of a bridge of ours that are not as the lab wants them. */
function mend(bridge: Bridge, link: Link, host: HostState): Step[] {
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
  if (bridge.uplink === null) change('MAC', link.mac, bridge.mac, set('address'));
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
  if (!link.up) change('state', 'down', 'up', value => `link set dev ${link.name} ${value}`);
  return [...steps, ...addressSteps(bridge, link, formerCidrs(bridge, host))];
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

/** Static addresses that the lab had and has no more, or has and the bridge lacks; others are the user's own and stay. */
function addressSteps(bridge: Bridge, link: Link, former: readonly string[]): Step[] {
  const present = link.addresses.map(address => `${address.local}/${address.prefix}`);
  const wanted = cidrs(bridge);
  const added = wanted
    .filter(cidr => !present.includes(cidr))
    .map(
      (cidr): Step => ({
        title: `add address ${cidr} to bridge ${link.name}`,
        why: 'the lab names it and the bridge lacks it',
        do: [{ kind: 'ip', lines: [addressAdd(cidr, link.name)] }],
        undo: [{ kind: 'ip', lines: [addressDel(cidr, link.name)] }],
      }),
    );
  const ours = present.filter(cidr => former.includes(cidr));
  return [...removeAddresses(ours, wanted, link.name), ...added];
}

/**
 * Before any is added, the last one first: the kernel drops an IPv4 address together with its primary, so those that
 * stay are added again, too.
 * @param ours addresses that the lab gave the bridge, in the order of the dump
 */
function removeAddresses(ours: readonly string[], wanted: readonly string[], name: string): Step[] {
  const gone = ours.filter(cidr => !wanted.includes(cidr));
  const kept = ours.filter(cidr => wanted.includes(cidr));
  if (gone.length === 0) return [];
  const del = (cidr: string) => addressDel(cidr, name);
  const dragged = kept.filter(cidr => isFour(cidr) && gone.some(other => sameSubnet(cidr, other)));
  const relaid = sinceGone(ours, gone);
  return [
    {
      title: `remove ${gone.length === 1 ? 'address' : 'addresses'} ${gone.join(', ')} from bridge ${name}`,
      why: `the lab no longer names ${gone.length === 1 ? 'it' : 'them'}`,
      do: [
        {
          kind: 'ip',
          lines: [
            ...gone.toReversed().map(del),
            ...dragged.map(cidr => `address replace ${cidr} dev ${name}`),
          ],
        },
      ],
      undo: [
        {
          kind: 'ip',
          lines: [...relaid.toReversed().map(del), ...addressLines(relaid, name)],
        },
      ],
    },
  ];
}

/** Those that were added after one that goes, and these: an undo adds them again, to have all in their old order. */
function sinceGone(ours: readonly string[], gone: readonly string[]): string[] {
  const four = ours.filter(isFour);
  const six = ours.filter(cidr => !isFour(cidr));
  const isGone = (cidr: string) => gone.includes(cidr);
  const first = four.findIndex(isGone);
  return [...(first === -1 ? [] : four.slice(first)), ...six.slice(0, six.findLastIndex(isGone) + 1)];
}

const addressDel = (cidr: string, dev: string) => `address del ${cidr} dev ${dev}`;

const isFour = (cidr: string) => !cidr.includes(':');

/** To have the order of the dump again: the kernel appends IPv4 addresses, but puts an IPv6 one before its like. */
export const addressLines = (dumped: readonly string[], dev: string): string[] =>
  inOrder(dumped).map(cidr => addressAdd(cidr, dev));

/** Addresses as dumped, in the order to add them in. */
export const inOrder = (dumped: readonly string[]): string[] => [
  ...dumped.filter(isFour),
  ...dumped.filter(cidr => !isFour(cidr)).reverse(),
];

const sameSubnet = (a: string, b: string) => {
  const [one, two] = [parseCidr(a), parseCidr(b)];
  return one?.prefix === two?.prefix && one?.network === two?.network;
};

/** The static addresses that the lab gave this bridge when it was last applied. */
function formerCidrs(bridge: Bridge, host: HostState): readonly string[] {
  const records = currentRecords(host).flatMap(record => record.lab.bridges);
  const former = records.find(({ altname }) => altname === bridge.altname);
  return former ? cidrs(former) : [];
}
