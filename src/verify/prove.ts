import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import type { CapturedFrame } from '../drivers/pcap.js';
import { string } from '../host/json.js';
import type { HostState } from '../host/model.js';
import { bridgesIn } from '../host/ovs.js';
import { type BridgeSettings, parseBridgeSettings } from '../host/ports.js';
import { bare, parseCidr } from '../lab/cidr.js';
import { isIn } from './addresses.js';
import { type Counts, counterScript, entryKey, parseCounts } from './counters.js';
import { evidenceOf, type Gathered, indexesOf, receivedBetween } from './evidence.js';
import { readStack, stackBetween } from './host-stack.js';
import { type SeclusionEvidence, seclude } from './isolation/seclusion.js';
import type { KnownAddress } from './known.js';
import type { PathEvidence } from './model.js';
import { withOvsCounts } from './ovs-counts.js';
import { byPlace, type Captured, leftAtSize } from './sightings.js';
import { randomMac } from './station.js';
import { makeStimulus, type Stimulus } from './stimulus.js';
import { untagged } from './tags.js';
import type { Target } from './targets.js';
import { captureOf } from './watch.js';
import { prepare } from './way/expedition.js';

export interface ProveOptions {
  /** Milliseconds to wait for guests that have not spoken yet. */
  readonly patienceMs: number;
  /** Only listen: send nothing. */
  readonly passive?: boolean;
  readonly signal: AbortSignal | null;
  readonly tell: (line: string) => void;
}

export interface Proof {
  readonly evidence: ReadonlyMap<Target, PathEvidence>;
  /** Of NICs that are to be kept from each other; null for all others. */
  readonly seclusion: (target: Target) => SeclusionEvidence | null;
  readonly settings: BridgeSettings;
  /** All that was captured, in order. */
  readonly frames: readonly CapturedFrame[];
  /** Why nothing could be captured; null where it could. */
  readonly noCapture: string | null;
}

/** Count, make the guests speak, look, until every NIC has shown its path or patience ends. */
export async function prove(
  targets: readonly Target[],
  host: HostState,
  drivers: Drivers,
  options: ProveOptions,
): Promise<Proof> {
  const bridges = new Set(targets.map(target => target.bridge));
  const own = host.links.filter(link => bridges.has(link.name)).map(link => link.mac);
  const lanMac = `02:${randomMac().slice(3)}`;
  const table = `vmnet_proof_${process.pid}`;
  const hooked = hookable(targets, host);
  const ours = new Set<string>();
  const expedition = prepare(targets, host, `${table}_way`);
  const seclusion = seclude(targets, `${table}_apart`);
  const [before, stackBefore, capture, counters] = await Promise.all([
    drivers.ip.links({ stats: true }),
    readStack(drivers),
    drivers.capture.start(
      captureOf(targets, host, { own, lanMac, ours, aims: expedition?.aims ?? new Set() }),
    ),
    drivers.nft.own(
      [
        counterScript(table, hooked, own, lanMac),
        ...(expedition?.script ?? []),
        ...(seclusion?.script ?? []),
      ].join('\n'),
    ),
  ]);
  const tcpdump = 'close' in capture ? capture : null;
  try {
    const taken = addressesInUse(targets, host);
    const stimulus = await makeStimulus(drivers, hooked, taken, {
      passive: options.passive ?? false,
      lanMac,
    });
    for (const mac of stimulus.macs) ours.add(mac);
    try {
      const indexes = indexesOf(before);
      const look = (counts: Counts, all: readonly CapturedFrame[]): Look => {
        const frames = all.map(untagged);
        return {
          counts: withOvsCounts(counts, targets, frames, indexes, lanMac),
          captured: tcpdump && byPlace(frames),
        };
      };
      const read = async () => look(parseCounts(table, await drivers.nft.sets()), tcpdump?.frames() ?? []);
      const shown = await askUntilSeen(targets, stimulus, { read, host, drivers }, options);
      const [sizes] = await Promise.all([
        askFurther(shown, stimulus, { read, host, drivers }, options),
        options.passive ? null : expedition?.run(stimulus, () => drivers.nft.sets()),
        options.passive ? null : seclusion?.run(stimulus, drivers),
      ]);
      if (shown.length < targets.length) {
        const look = await read();
        const since = targets.filter(target => !shown.includes(target) && leaves(target, look, host));
        const more = await askFurther(since, stimulus, { read, host, drivers }, options);
        for (const [target, bytes] of more) sizes.set(target, bytes);
      }
      const [sets, fdb, after, ports, stack] = await Promise.all([
        drivers.nft.sets(),
        learnedBy(targets, drivers),
        drivers.ip.links({ stats: true }),
        drivers.ip.ports(),
        readStack(drivers),
      ]);
      const frames = tcpdump ? await tcpdump.close() : [];
      const gathered: Gathered = {
        ...look(parseCounts(table, sets), frames),
        indexes: indexesOf(after),
        received: receivedBetween(before, after),
        learned: fdb,
        own,
        ours: options.passive ? [] : [...ours],
        stack: stackBetween(stackBefore, stack),
        lanMac: target => (sizes.has(target) && !stimulus.noLan(target) ? stimulus.lanMac : null),
        askedSize: target => sizes.get(target) ?? null,
        way: expedition?.report(sets, tcpdump && frames, ours) ?? (() => null),
        late: target => !options.passive && target.uplink !== null && !sizes.has(target),
        addresses: target => stimulus.seenAddresses(target).map(({ address }) => address),
        heard: target =>
          stimulus.seenAddresses(target).flatMap(({ address, heard }) => (heard ? address : [])),
        tried: target => stimulus.tried(target),
      };
      return {
        evidence: new Map(targets.map(target => [target, evidenceOf(target, gathered)])),
        seclusion: seclusion?.report(sets) ?? (() => null),
        settings: parseBridgeSettings(ports, after),
        frames,
        noCapture: 'reason' in capture ? capture.reason : null,
      };
    } finally {
      seclusion?.close();
      await stimulus.close();
    }
  } finally {
    await Promise.all([counters.close(), tcpdump?.close()]);
  }
}

/** Hooks can only be had on an uplink that exists. */
const hookable = (targets: readonly Target[], host: HostState) =>
  targets.map(target =>
    target.uplink === null || host.links.some(link => link.name === target.uplink)
      ? target
      : { ...target, uplink: null },
  );

/** What has been seen so far. */
interface Look {
  readonly counts: Counts;
  readonly captured: Captured | null;
}

interface Eyes {
  readonly read: () => Promise<Look>;
  readonly host: HostState;
  readonly drivers: Drivers;
}

/** What the stimulus must not borrow: addresses of the lab, of the host, and of its gateways. */
function addressesInUse(targets: readonly Target[], host: HostState): Set<string> {
  const gateways = host.routes.flatMap(route => [route.gateway, ...route.nexthops.map(hop => hop.gateway)]);
  return new Set([
    ...targets.flatMap(({ nic }) => nic.addresses.map(bare)),
    ...host.links.flatMap(link => link.addresses.map(address => address.local)),
    ...gateways.filter(gateway => gateway !== null),
  ]);
}

/** Returns the NICs that showed their way out. */
async function askUntilSeen(
  targets: readonly Target[],
  stimulus: Stimulus,
  eyes: Eyes,
  { patienceMs, signal, tell }: ProveOptions,
): Promise<readonly Target[]> {
  const deadline = Date.now() + patienceMs;
  let told = 0;
  let waiting = targets;
  for (let round = 1; ; round++) {
    await (round === 1 ? stimulus.askAll() : Promise.all(waiting.map(target => stimulus.ask(target))));
    // Open vSwitch learns our port: only answers to the LAN leave on the uplink.
    await stimulus.askFromLan((round === 1 ? targets : waiting).filter(({ ovs }) => ovs));
    const look = await eyes.read();
    const lost = (target: Target) => !canSendOut(target, stimulus.seenAddresses(target), eyes.host);
    const shown = targets.filter(target => leaves(target, look, eyes.host) && !lost(target));
    waiting = targets.filter(
      target => !shown.includes(target) && (lost(target) || !stuck(target, look, round)),
    );
    if (waiting.length === 0 || Date.now() > deadline || signal?.aborted) return shown;
    if (!(await anyAlive(waiting, eyes.drivers))) return shown;
    if (waiting.length !== told) tell(`${waiting.length} of ${targets.length} NICs not seen yet`);
    told = waiting.length;
  }
}

/** How often a guest that answers is asked for what else has to be seen of it. */
const ROUNDS = 3;

/**
 * Of those whose way out is right: the way in, and frames of full size.
 * @returns the NICs that were asked, with the bytes of an echo request that was sent; null where none could be
 */
async function askFurther(
  targets: readonly Target[],
  stimulus: Stimulus,
  { read, host }: Eyes,
  { passive, signal }: ProveOptions,
): Promise<Map<Target, number | null>> {
  const asked = new Map<Target, number | null>();
  if (passive) return asked;
  const indexes = new Map(host.links.map(link => [link.name, link.index]));
  const entered = (target: Target, { counts }: Look) =>
    stimulus.noLan(target) !== null || counts.get('passed_to_tap', entryKey(target)) > 0;
  const large = (target: Target, { captured }: Look) => {
    const bytes = asked.get(target) ?? null;
    if (bytes === null || captured === null) return true;
    return leftAtSize(target, indexes.get(target.uplink ?? ''), captured, bytes) > 0;
  };
  let waiting = targets.filter(({ uplink }) => uplink !== null);
  for (let round = 0; round < ROUNDS && waiting.length > 0 && !signal?.aborted; round++) {
    await Promise.all([
      stimulus.askFromLan(waiting),
      ...waiting.map(async target => {
        const bytes = mtuOf(target, host);
        asked.set(target, (bytes && (await stimulus.askSize(target, bytes))?.bytes) ?? null);
      }),
    ]);
    const look = await read();
    waiting = waiting.filter(target => !entered(target, look) || !large(target, look));
  }
  return asked;
}

const mtuOf = ({ tap }: Target, host: HostState) => host.links.find(({ name }) => name === tap)?.mtu ?? null;

/** Has the NIC's unicast gone all the way out? */
function leaves(target: Target, { counts, captured }: Look, host: HostState): boolean {
  if (counts.get('bridge_prerouting', entryKey(target)) === 0) return false;
  if (target.uplink === null) return counts.get('passed_forward', target.nic.mac) > 0;
  if (counts.get('netdev_egress', target.nic.mac) === 0) return false;
  const uplink = host.links.find(({ name }) => name === target.uplink)?.index;
  return captured === null || captured(uplink, 'out', target.nic.mac).length > 0;
}

/**
 * What a host is to pass on comes from a subnet of its bridge: a guest that has no such address yet, as long as its
 * lease is on the way, speaks to its neighbours alone.
 */
function canSendOut(
  { intent, bridge }: Target,
  known: readonly KnownAddress[],
  { links }: HostState,
): boolean {
  const subnets = (links.find(({ name }) => name === bridge)?.addresses ?? [])
    .filter(({ local }) => !local.startsWith('fe80:'))
    .flatMap(({ local, prefix }) => parseCidr(`${local}/${prefix}`) ?? []);
  if (intent !== 'routed' || subnets.length === 0) return true;
  return known.some(({ address, by }) => by !== 'source' && subnets.some(subnet => isIn(subnet, address)));
}

/** A frame that entered and did not leave within two rounds will not leave. */
const stuck = (target: Target, { counts }: Look, round: number) =>
  round >= 2 && counts.get('bridge_prerouting', entryKey(target)) > 0;

/** Waiting for guests makes sense only as long as one of them runs. */
async function anyAlive(targets: readonly Target[], drivers: Drivers): Promise<boolean> {
  const waited = new Set(targets.flatMap(target => target.domain ?? []));
  if (waited.size === 0) return true;
  const domains = await (await drivers.libvirt()).listDomains();
  return domains.some(({ name, state }) => waited.has(name) && state !== 'shutoff' && state !== 'crashed');
}

/** The same of both kinds of bridges. */
async function learnedBy(targets: readonly Target[], drivers: Drivers): Promise<Map<string, string>> {
  const names = [...new Set(targets.flatMap(({ ovs, bridge }) => (ovs ? [bridge] : [])))];
  const all = learned(await drivers.ip.fdb());
  if (names.length === 0) return all;
  const bridges = bridgesIn(await drivers.ovs.dump());
  for (const { name, ports } of bridges.filter(bridge => names.includes(bridge.name)))
    for (const { mac, port } of await drivers.ovs.fdb(name)) {
      const found = ports.find(({ ofport }) => String(ofport) === port);
      all.set(`${name} ${mac}`, found?.name ?? name);
    }
  return all;
}

/** Port of each learned MAC, by `BRIDGE MAC`. */
const learned = (entries: readonly IpJson[]): Map<string, string> =>
  new Map(
    entries
      .filter(entry => string(entry.state) !== 'permanent')
      .map(entry => [`${string(entry.master)} ${string(entry.mac)}`, string(entry.ifname) ?? '']),
  );
