import type { HostState, Link } from '../host/model.js';
import type { Bridge, Lab } from '../lab/model.js';
import { linkNamed, marked, markLines, ownerOf, removal } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';

/** Bytes, where neither the lab nor an uplink says otherwise. */
const DEFAULT_MTU = 1500;

/** A bridge's MTU: the lab's, else its uplink's. */
export function bridgeMtu(bridge: Bridge, host: HostState): number {
  const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
  return bridge.mtu ?? uplink?.mtu ?? DEFAULT_MTU;
}

/** Create what is missing, mend what differs. */
export function planBridges(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  return lab.bridges.flatMap(bridge => {
    const ours = marked(host, bridge.altname);
    if (ours) return mend(bridge, ours, host);
    const foreign = linkNamed(host, bridge.name);
    if (foreign === undefined) return [create(bridge, host)];
    problems.push({
      code: 'conflict',
      message: `the bridge ${bridge.name} cannot be made: an interface of that name exists, and ${ownerOf(foreign)}`,
      fix: `Give the bridge another name in the lab file${removal(foreign)}.`,
    });
    return [];
  });
}

function create(bridge: Bridge, host: HostState): Step {
  const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
  const { name } = bridge;
  return {
    title: `create bridge ${name}`,
    why: 'the lab names it and the host has none',
    do: [
      {
        kind: 'ip',
        lines: [
          // The MAC is pinned: else the bridge takes its lowest port's, and the host's DHCP lease goes with it.
          `link add name ${name} address ${uplink?.mac ?? bridge.mac} mtu ${bridgeMtu(bridge, host)} type bridge ${options(bridge)}`,
          ...markLines(name, bridge.altname, bridge.alias),
          // No link-local address by itself: the host is on this bridge only where the lab says so.
          `link set dev ${name} addrgenmode none`,
          `link set dev ${name} up`,
          ...cidrs(bridge).map(
            cidr => `address add ${cidr} dev ${name}${cidr.includes(':') ? ' nodad' : ''}`,
          ),
        ],
      },
    ],
    undo: [{ kind: 'delete-links', links: [{ altname: bridge.altname, createdAs: name }] }],
  };
}

function options(bridge: Bridge): string {
  const snooping = bridge.multicastSnooping;
  return [
    `stp_state ${bridge.stp ? 1 : 0}`,
    `forward_delay ${bridge.forwardDelay * 100}`,
    ...(snooping === null ? [] : [`mcast_snooping ${snooping ? 1 : 0}`]),
  ].join(' ');
}

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
  change('mtu', String(link.mtu), String(bridgeMtu(bridge, host)), set('mtu'));
  change('stp', was?.stp ? '1' : '0', bridge.stp ? '1' : '0', set('type bridge stp_state'));
  change('forward delay', String(was?.forwardDelay), String(bridge.forwardDelay), value =>
    set('type bridge forward_delay')(String(Number(value) * 100)),
  );
  if (bridge.multicastSnooping !== null) {
    const digit = (on: boolean | undefined) => (on ? '1' : '0');
    change(
      'multicast snooping',
      digit(was?.multicastSnooping),
      digit(bridge.multicastSnooping),
      set('type bridge mcast_snooping'),
    );
  }
  if (!link.up) change('state', 'down', 'up', set(''));
  return [...steps, ...addressSteps(bridge, link)];
}

/** Static addresses that the lab has and the bridge lacks; others on it are the user's own and stay. */
function addressSteps(bridge: Bridge, link: Link): Step[] {
  const present = new Set(link.addresses.map(address => `${address.local}/${address.prefix}`));
  return cidrs(bridge)
    .filter(cidr => !present.has(cidr))
    .map(cidr => ({
      title: `add address ${cidr} to bridge ${link.name}`,
      why: 'the lab names it and the bridge lacks it',
      do: [
        { kind: 'ip', lines: [`address add ${cidr} dev ${link.name}${cidr.includes(':') ? ' nodad' : ''}`] },
      ],
      undo: [{ kind: 'ip', lines: [`address del ${cidr} dev ${link.name}`] }],
    }));
}
