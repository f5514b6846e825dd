import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureOptions } from '../../drivers/capture.js';
import type { Drivers } from '../../drivers/drivers.js';
import type { CapturedFrame } from '../../drivers/pcap.js';
import type { HostState } from '../../host/model.js';
import { type Counts, counterScript, parseCounts } from '../counters.js';
import type { ProveOptions } from '../rounds.js';
import { byPlace } from '../sightings.js';
import { ownMac, randomLinkLocal } from '../station.js';
import { type Devices, evidenceOf, guestSide } from './evidence.js';
import type { MacvtapEvidence } from './model.js';
import { type Mouth, MUTE, openMouth } from './mouth.js';
import { type Interview, makeInterview } from './questions.js';
import type { MacvtapTarget } from './targets.js';

export interface MacvtapProof {
  readonly evidence: ReadonlyMap<MacvtapTarget, MacvtapEvidence>;
  readonly frames: readonly CapturedFrame[];
  /** Why nothing could be captured; null where it could. */
  readonly noCapture: string | null;
}

/** For the guests' answers, and for tcpdump to tell of them. */
const ANSWER_MS = 200;
/** How often one that speaks IPv6 is asked for an answer to an echo request, and any other. */
const ROUNDS = { six: 8, other: 2 };

/**
 * The same as for a NIC on a bridge, from the LAN's side: ask as somebody there, and see the guest's unicast leave on
 * the uplink and none of it in the host's IP stack.
 */
export async function proveMacvtaps(
  targets: readonly MacvtapTarget[],
  host: HostState,
  drivers: Drivers,
  options: ProveOptions,
): Promise<MacvtapProof> {
  const uplinks = [...new Set(targets.map(({ uplink }) => uplink))];
  const own = host.links.filter(({ name }) => uplinks.includes(name)).map(({ mac }) => mac);
  const lanMac = ownMac();
  const table = `vmnet_proof_${process.pid}_macvtap`;
  const [before, capture, counters] = await Promise.all([
    drivers.ip.links({ stats: true }),
    drivers.capture.start(captureOf(targets, host, lanMac)),
    drivers.nft.own(counterScript(table, targets, own, lanMac)),
  ]);
  const tcpdump = 'close' in capture ? capture : null;
  try {
    const mouth = options.passive ? MUTE : await openMouth(uplinks, host, drivers);
    try {
      const interview = makeInterview(targets, lanMac, randomLinkLocal());
      const look = async (): Promise<Look> => {
        const frames = tcpdump?.frames() ?? null;
        if (frames) interview.learn(frames);
        return { counts: parseCounts(table, await drivers.nft.sets()), frames };
      };
      const eyes: Eyes = { look, devices: guestSide(host), drivers };
      await askUntilSeen(targets, { mouth, interview }, eyes, options);
      const sizes = await askSizes(targets, { mouth, interview }, eyes, host, options);
      const [{ counts }, after] = await Promise.all([look(), drivers.ip.links({ stats: true })]);
      const frames = tcpdump ? await tcpdump.close() : [];
      const gathered = {
        counts,
        frames: tcpdump && frames,
        captured: tcpdump && byPlace(frames),
        devices: eyes.devices,
        hostsOwn: ({ tap }: MacvtapTarget) =>
          host.links.find(({ name }) => name === tap)?.addresses.map(({ local }) => local) ?? [],
        before,
        after,
        lanMac: mouth.mute === null ? lanMac : null,
        askedSize: (target: MacvtapTarget) => sizes.get(target) ?? null,
        addresses: interview.addresses,
        tried: (target: MacvtapTarget) => [...interview.tried(target), ...(mouth.mute ? [mouth.mute] : [])],
      };
      return {
        evidence: new Map(targets.map(target => [target, evidenceOf(target, gathered)])),
        frames,
        noCapture: 'reason' in capture ? capture.reason : null,
      };
    } finally {
      mouth.close();
    }
  } finally {
    await Promise.all([counters.close(), tcpdump?.close()]);
  }
}

interface Look {
  readonly counts: Counts;
  /** null where nothing could be captured. */
  readonly frames: readonly CapturedFrame[] | null;
}

interface Eyes {
  readonly look: () => Promise<Look>;
  readonly devices: Devices;
  readonly drivers: Drivers;
}

interface Speech {
  readonly mouth: Mouth;
  readonly interview: Interview;
}

/** Of all frames those that a guest sent, or that we did, at their devices and uplinks. */
function captureOf(
  targets: readonly MacvtapTarget[],
  host: HostState,
  lanMac: string,
): Pick<CaptureOptions, 'only' | 'keep'> {
  const indexes = new Map(host.links.map(({ name, index }) => [name, index]));
  const devices = new Set(
    targets.flatMap(({ tap, uplink }) => [indexes.get(tap) ?? 0, indexes.get(uplink) ?? 0]),
  );
  const taps = new Set(targets.flatMap(({ tap }) => indexes.get(tap) ?? []));
  const macs = new Set([...targets.map(({ nic }) => nic.mac), lanMac]);
  return {
    only: [...devices].map(index => `ifindex ${index}`).join(' or '),
    keep: ({ mac, ifindex, direction }) =>
      mac !== null && (macs.has(mac) || (direction === 'out' && taps.has(ifindex))),
  };
}

/** Until every NIC has shown its way out, or patience ends. */
async function askUntilSeen(
  targets: readonly MacvtapTarget[],
  { mouth, interview }: Speech,
  { look, devices, drivers }: Eyes,
  { patienceMs, signal, tell }: ProveOptions,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let told = 0;
  let waiting = targets;
  for (let round = 1; ; round++) {
    await sayTo(waiting, mouth, target => interview.ask(target, round > 1));
    await sleep(ANSWER_MS);
    const seen = await look();
    waiting = targets.filter(
      target => !devices.leaves(target, seen) && !(round > 2 && devices.sends(target, seen)),
    );
    if (waiting.length === 0 || performance.now() > deadline || signal?.aborted) return;
    if (!(await anyAlive(waiting, drivers))) return;
    if (waiting.length !== told) tell(`${waiting.length} of ${targets.length} macvtaps not seen yet`);
    told = waiting.length;
  }
}

/** @returns the bytes that were asked for, of those that have answered an echo request, and so could be asked for them */
async function askSizes(
  targets: readonly MacvtapTarget[],
  { mouth, interview }: Speech,
  { look, devices }: Eyes,
  host: HostState,
  { signal }: ProveOptions,
): Promise<Map<MacvtapTarget, number>> {
  const asked = new Map<MacvtapTarget, number>();
  if (mouth.mute !== null) return asked;
  const start = await look();
  let waiting = targets.filter(target => mtuOf(target, host) !== null && devices.leaves(target, start));
  for (let round = 0; round < ROUNDS.six && waiting.length > 0 && !signal?.aborted; round++) {
    await sayTo(waiting, mouth, target => {
      const bytes = mtuOf(target, host) ?? 0;
      const frame = interview.askSize(target, bytes);
      if (frame === null) return interview.ask(target, true);
      asked.set(target, bytes);
      return [frame];
    });
    await sleep(ANSWER_MS);
    const seen = await look();
    waiting = waiting.filter(
      target =>
        (round + 1 < ROUNDS.other || interview.speaksSix(target)) &&
        !devices.leavesAt(target, seen, asked.get(target) ?? Number.MAX_VALUE),
    );
  }
  return asked;
}

const mtuOf = ({ tap }: MacvtapTarget, host: HostState) =>
  host.links.find(({ name }) => name === tap)?.mtu ?? null;

/** By uplink, all at once. */
async function sayTo(
  targets: readonly MacvtapTarget[],
  mouth: Mouth,
  words: (target: MacvtapTarget) => readonly Uint8Array[],
): Promise<void> {
  const uplinks = [...new Set(targets.map(({ uplink }) => uplink))];
  await Promise.all(
    uplinks.map(uplink =>
      mouth.say(uplink, targets.filter(target => target.uplink === uplink).flatMap(words)),
    ),
  );
}

/** Waiting makes sense only as long as one of the guests runs. */
async function anyAlive(targets: readonly MacvtapTarget[], drivers: Drivers): Promise<boolean> {
  const waited = new Set(targets.flatMap(({ domain }) => domain ?? []));
  if (waited.size === 0) return true;
  const domains = await (await drivers.libvirt()).listDomains();
  return domains.some(({ name, state }) => waited.has(name) && state !== 'shutoff' && state !== 'crashed');
}
