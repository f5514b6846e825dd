import { type Flow, type Hop, isDetour, type StackCounts, type Traced, wentUp } from './model.js';

const MOST_OTHER_PORTS = 2;

/** One frame, a line a hop. */
export function describeFlow(flow: Flow, serial: number): string {
  const others = flow.hops.filter(({ role, motion }) => role === 'port' && motion === 'out');
  const hidden = others.slice(MOST_OTHER_PORTS);
  const hops = flow.hops.filter(hop => !hidden.includes(hop));
  const width = Math.max(...hops.map(({ device }) => device.length));
  return [
    `${serial}  ${flow.way}  ${flow.what}`,
    ...hops.map(hop => `     ${hopLine(hop, width)}`),
    ...(hidden.length > 0 ? [`     and out of ${hidden.length} other ports`] : []),
    ...ending(flow).map(line => `     ${line}`),
  ].join('\n');
}

const ROLES: Readonly<Record<Hop['role'], string>> = {
  tap: 'tap',
  bridge: 'bridge',
  uplink: 'uplink',
  port: 'other port of the bridge',
  ours: 'our own port',
  other: 'no port of the bridge',
};

function hopLine({ motion, device, role, afterUs, changedMac }: Hop, width: number): string {
  const time = afterUs === null ? '' : `${afterUs} µs`;
  const what = {
    in: ROLES[role],
    out: ROLES[role],
    switched: 'bridge: from port to port',
    up: "bridge: up to the host's stack",
    down: 'bridge: sent by the host itself',
  }[motion];
  const mac = changedMac === null ? '' : `, now from ${changedMac}`;
  return `${motion.padEnd(8)}  ${device.padEnd(width)}  ${time.padStart(9)}  ${what}${mac}`;
}

function ending({ end, multicast, hops }: Flow): string[] {
  if (end === 'stopped') return ['stopped: it was not seen to leave; vmnet verify names the cause'];
  if (end === 'routed') return ['routed: the host has sent it on from a MAC of its own'];
  if (end === 'taken') return ['taken: it went up to the host, and was not for it'];
  if (end === 'host' && !multicast) return ['it was for the host itself'];
  if (multicast && hops.some(({ motion }) => motion === 'up'))
    return ['broadcast and multicast reach the host too, as on any LAN'];
  return [];
}

/** The places where it could have gone up the stack, what was seen there, and why. */
export const describeStack = (traced: Traced, bridge: string): string =>
  [
    `Up the host's stack: ${places(traced.stack)}.`,
    verdict(traced, bridge),
    ...(traced.flows.some(({ way }) => way === 'guest → LAN')
      ? []
      : ['None of these frames came from the guest; vmnet verify tells whether it is up.']),
  ].join('\n');

const places = ({ bridgeInput, prerouting, forward, input, arp, toGuest }: StackCounts) =>
  `bridge input ${bridgeInput}, inet prerouting ${prerouting}, forward ${forward}, input ${input}, ARP input ${arp}; toward the guest: inet prerouting ${toGuest.prerouting}, forward ${toGuest.forward}`;

function verdict({ stack, switches, flows }: Traced, bridge: string): string {
  const on = switches.map(({ name }) => name).join(', ');
  const off = `"bridgeNetfilter": "off" for the bridge, or ${switches.map(({ fix }) => fix).join('; ')}`;
  const detours = flows.filter(isDetour).length;
  if (detours > 0)
    return `It did go up: the host took ${detours} of the ${flows.length} frames that were not for it. Look at nft bridge rules that redirect (broute, pkttype), at proxy_arp, and at nat rules.`;
  if (wentUp(stack) > 0) {
    return switches.length > 0
      ? `It did go up: br_netfilter sends bridged frames through the host's netfilter (${on}). To end that: ${off}.`
      : "It did go up, although br_netfilter is off: look at nft bridge rules that redirect, and at routes to the guest's address.";
  }
  if (switches.length > 0)
    return `It did not, but br_netfilter is on (${on}), and other frames will. To end that: ${off}.`;
  return stack.bridgeForward > 0
    ? `It did not: ${bridge} switched ${stack.bridgeForward} of the guest's unicast from port to port, and br_netfilter is off for it.`
    : `It did not; nor did ${bridge} switch any unicast of the guest.`;
}

/** The first line. */
export const announce = (
  who: string,
  { mac, tap, bridge, uplink }: { mac: string; tap: string; bridge: string; uplink: string | null },
  { to, count, seconds }: { to: string | null; count: number; seconds: number },
) =>
  `${who} (${mac}): ${tap} on ${bridge}, ${uplink === null ? 'no uplink' : `uplink ${uplink}`}${to === null ? '' : `; only to and from ${to}`}; at most ${count} frames, ${seconds} s`;
