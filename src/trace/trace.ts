import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { parseLink } from '../host/links.js';
import type { HostState, Link } from '../host/model.js';
import { parseBridgeSettings } from '../host/ports.js';
import { bare } from '../lab/cidr.js';
import { parseCounts } from '../verify/counters.js';
import { isAskingPort } from '../verify/station.js';
import { makeStimulus } from '../verify/stimulus.js';
import { switchesOn } from '../verify/switches.js';
import type { Target } from '../verify/targets.js';
import { type Devices, type Follower, makeFollower } from './follow.js';
import { hookScript } from './hooks.js';
import { type Flow, type Guest, type Role, stackCounts, type Traced } from './model.js';

export interface TraceOptions {
  /** Only frames to or from this address; null for all. */
  readonly to: string | null;
  /** Frames to follow. */
  readonly count: number;
  readonly timeoutMs: number;
  /** Only listen. */
  readonly passive: boolean;
  readonly signal: AbortSignal;
  readonly onFlow: (flow: Flow, serial: number) => void;
  readonly tell: (line: string) => void;
}

const POLL_MS = 100;
/** By then a frame has been seen everywhere, and tcpdump has told. */
const SETTLED_MS = 250;
/** A guest that says nothing for so long is asked. */
const QUIET_MS = 1500;
const BETWEEN_QUESTIONS_MS = 700;

/** Follow the frames of one NIC from device to device, as they come. Changes nothing that outlives the call. */
export async function trace(
  target: Target,
  host: HostState,
  drivers: Drivers,
  options: TraceOptions,
): Promise<Traced> {
  const { nic, tap, bridge, uplink } = target;
  const addresses = nic.addresses.map(bare);
  const guest: Guest = {
    mac: nic.mac,
    tap,
    bridge,
    uplink,
    addresses: new Set(addresses),
    host: new Set(host.links.flatMap(link => link.addresses.map(({ local }) => local))),
  };
  let devices = devicesOf(host.links, target);
  const follower = makeFollower(guest, () => devices, options.to);
  const own = host.links.filter(({ name }) => name === bridge || name === uplink).map(({ mac }) => mac);
  const table = `vmnet_trace_${process.pid}`;
  const capture = await drivers.capture.start({
    filter: filterFor(addresses, options.to),
    // Followed as they come; none is kept.
    keep: frame => {
      follower.push(frame);
      return false;
    },
  });
  if ('reason' in capture)
    throw new VmnetError(
      'missing-tool',
      `no frame can be captured: ${capture.reason}`,
      'vmnet doctor tells.',
    );
  try {
    const counters = await drivers.nft.own(hookScript(table, nic.mac, [...new Set(own)], options.to));
    try {
      const seen = await watch(target, follower, drivers, options, links => {
        devices = devicesOf(links, target);
      });
      const [sets, links] = await Promise.all([drivers.nft.sets(), drivers.ip.links()]);
      return {
        ...seen,
        stack: stackCounts(parseCounts(table, sets), nic.mac),
        switches: switchesOn(bridge, host.sysctls, parseBridgeSettings([], links)).map(({ name, fix }) => ({
          name: `${name}=1`,
          fix,
        })),
        lost: capture.lost() + follower.lost(),
      };
    } finally {
      await counters.close();
    }
  } finally {
    await capture.close();
  }
}

/**
 * A cooked capture cannot be filtered by MAC: where the guest's addresses are not known, every IP packet of the host
 * is looked at.
 */
export function filterFor(addresses: readonly string[], to: string | null): string {
  if (to !== null) return `arp or icmp6 or host ${to}`;
  if (addresses.length === 0) return 'arp or ip or ip6';
  return [
    'arp',
    'icmp',
    'icmp6',
    '(udp and (port 67 or port 68))',
    ...addresses.map(address => `host ${address}`),
  ].join(' or ');
}

function devicesOf(links: readonly Link[], { tap, bridge, uplink }: Target): Devices {
  const roleOf = ({ name, master }: Link): Role => {
    if (name === tap) return 'tap';
    if (name === bridge) return 'bridge';
    if (name === uplink) return 'uplink';
    if (isAskingPort(name)) return 'ours';
    return master === bridge ? 'port' : 'other';
  };
  return new Map(links.map(link => [link.index, { device: link.name, role: roleOf(link) }]));
}

/** Until enough was seen, or time is up, or somebody has had enough. */
async function watch(
  target: Target,
  follower: Follower,
  drivers: Drivers,
  options: TraceOptions,
  onLinks: (links: readonly Link[]) => void,
): Promise<Pick<Traced, 'flows' | 'asked'>> {
  const { count, timeoutMs, passive, to, signal } = options;
  const started = performance.now();
  const flows: Flow[] = [];
  let spoke = started;
  const over = new AbortController();
  let asked: readonly string[] = [];
  let since = 0;
  let asking: Promise<void> | null = null;
  const ask = async () => {
    options.tell('The guest is quiet: asking it.');
    asked = await askOn(target, drivers, over.signal, onLinks, ms => {
      since = ms;
    });
  };
  const failure: { error?: unknown } = {};
  try {
    while (
      flows.length < count &&
      performance.now() - started < timeoutMs &&
      !signal.aborted &&
      !('error' in failure)
    ) {
      await sleep(POLL_MS);
      const settled = follower.take((Date.now() - SETTLED_MS) * 1000);
      const wanted = settled.filter(({ atUs }) => atUs >= since * 1000);
      for (const flow of wanted.slice(0, count - flows.length)) options.onFlow(flow, flows.push(flow));
      if (wanted.length > 0) spoke = performance.now();
      const quiet = performance.now() - spoke > Math.min(QUIET_MS, timeoutMs / 3);
      if (quiet && !passive && to === null && asking === null)
        asking = ask().catch(error => {
          failure.error = error;
        });
    }
  } finally {
    over.abort();
    await asking;
  }
  if ('error' in failure) throw failure.error;
  return { flows, asked };
}

/** Ask until told to stop; returns what was asked. As if from the LAN where that can be, so that all hops are seen. */
async function askOn(
  target: Target,
  drivers: Drivers,
  over: AbortSignal,
  onLinks: (links: readonly Link[]) => void,
  countFrom: (ms: number) => void,
): Promise<readonly string[]> {
  const links = (await drivers.ip.links()).map(parseLink);
  const taken = new Set([
    ...target.nic.addresses.map(bare),
    ...links.flatMap(link => link.addresses.map(({ local }) => local)),
  ]);
  const stimulus = await makeStimulus(drivers, [target], taken);
  try {
    onLinks((await drivers.ip.links()).map(parseLink));
    const fromLan = stimulus.noLan(target) === null;
    // Who it is was asked on the bridge itself; what comes in at the uplink shows both ways.
    if (fromLan) countFrom(Number.POSITIVE_INFINITY);
    await stimulus.askAll();
    if (fromLan) countFrom(Date.now());
    while (!over.aborted) {
      await (fromLan ? stimulus.askFromLan([target]) : stimulus.ask(target));
      await sleep(BETWEEN_QUESTIONS_MS, undefined, { signal: over }).catch(() => {});
    }
    return stimulus.tried(target);
  } finally {
    await stimulus.close();
  }
}
