import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import type { CapturedFrame } from '../drivers/pcap.js';
import { string } from '../host/json.js';
import type { HostState } from '../host/model.js';
import { bridgesIn } from '../host/ovs.js';
import { type BridgeSettings, parseBridgeSettings } from '../host/ports.js';
import { bare } from '../lab/cidr.js';
import { type Counts, counterScript, parseCounts } from './counters.js';
import { evidenceOf, type Gathered, indexesOf, receivedBetween } from './evidence.js';
import { readStack, stackBetween } from './host-stack.js';
import { type SeclusionEvidence, seclude } from './isolation/seclusion.js';
import type { PathEvidence } from './model.js';
import { withOvsCounts } from './ovs-counts.js';
import { askFurther, askUntilSeen, type Look, leaves, type ProveOptions } from './rounds.js';
import { byPlace } from './sightings.js';
import { ownMac } from './station.js';
import { makeStimulus } from './stimulus.js';
import { untagged } from './tags.js';
import type { Target } from './targets.js';
import { captureOf } from './watch.js';
import { prepare } from './way/expedition.js';

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
  const lanMac = ownMac();
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
        isLossy: (tcpdump?.lost() ?? 0) > 0,
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

/** What the stimulus must not borrow: addresses of the lab, of the host, and of its gateways. */
function addressesInUse(targets: readonly Target[], host: HostState): Set<string> {
  const gateways = host.routes.flatMap(route => [route.gateway, ...route.nexthops.map(hop => hop.gateway)]);
  return new Set([
    ...targets.flatMap(({ nic }) => nic.addresses.map(bare)),
    ...host.links.flatMap(link => link.addresses.map(address => address.local)),
    ...gateways.filter(gateway => gateway !== null),
  ]);
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
