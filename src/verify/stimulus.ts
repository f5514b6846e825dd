import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { isIn } from './addresses.js';
import { makeHearing } from './hearing.js';
import { type KnownAddress, makeKnown } from './known.js';
import { type Claim, parseFrame } from './packets.js';
import { answerTo, borrowFor, type Place, placeOf } from './place.js';
import { greetings, introductions, type Questions, sized, toAllNodes } from './questions.js';
import { domainOf } from './segment.js';
import { makeStations, ownMac, type Station, unplug } from './station.js';
import type { Target } from './targets.js';

/**
 * Makes guests speak without an agent in them, by frames that we write ourselves on a port of each bridge: it asks
 * by ARP and neighbour discovery, then by echo requests, at every address that is known or that a guest lets slip.
 */
export interface Stimulus {
  /** All guests of all bridges at once; returns when they have answered, or have been quiet for a while. */
  askAll(): Promise<void>;
  /** One guest, by everything that is known of it; the third time also by a sweep of its subnets. */
  ask(target: Target): Promise<void>;
  /**
   * The same questions as if from the LAN: they come in at the uplink, and the answers leave there, so that it is
   * not we who hear them. NICs for which {@link Stimulus.noLan} has a reason are left out.
   */
  askFromLan(targets: readonly Target[]): Promise<void>;
  /** Source of the frames that come in at the uplink. */
  readonly lanMac: string;
  /** Where we are, by bridge, or by VLAN of one. */
  readonly places: ReadonlyMap<string, Place>;
  /** Every MAC that we speak by. */
  readonly macs: ReadonlySet<string>;
  /** Why no frame can be made to come in at the uplink of this NIC's bridge; null where it can. */
  noLan(target: Target): string | null;
  /** An IP packet of exactly this size, not to be fragmented; null where no address answers echo requests. */
  askSize(target: Target, bytes: number): Promise<Sized | null>;
  /** What was tried for a NIC, for the report. */
  tried(target: Target): readonly string[];
  /** Every address that this NIC is known by. */
  seenAddresses(target: Target): readonly KnownAddress[];
  /** What others saw, such as a capture. */
  learn(claim: Claim): void;
  /** What else was done to make a NIC speak, for the report. */
  note(target: Target, words: readonly string[]): void;
  close(): Promise<void>;
}

/** An echo request of a certain size. */
export interface Sized {
  readonly address: string;
  readonly bytes: number;
  /** The answer came back whole. */
  readonly answered: boolean;
}

export interface StimulusOptions {
  /** Only listen. */
  readonly passive?: boolean;
  /** Source of the frames that come in at the uplink. Default: a random one. */
  readonly lanMac?: string;
}

const LISTEN_MS = 500;
/** For the answers to what we send as the LAN, which we do not hear. */
const LAN_MS = 150;
/** Only guests are answered, and each no more often than this. */
const MOST_ANSWERS = 50;
const OTHERS = '';
/** Questions in vain before a sweep. */
const PATIENCE = 3;

/** @param taken addresses that must not be borrowed, without prefix */
export async function makeStimulus(
  drivers: Drivers,
  targets: readonly Target[],
  taken: ReadonlySet<string>,
  { passive = false, lanMac = ownMac() }: StimulusOptions = {},
): Promise<Stimulus> {
  const stations = await makeStations(drivers, targets, lanMac, passive);
  const mine = new Set([lanMac, ...stations.map(({ mac }) => mac)]);
  const known = makeKnown(targets, mine);
  const hearing = makeHearing(mine);
  const places = new Map(
    stations.map(it => [it.domain, placeOf(it, lanMac, { taken, mine, isUsed: known.isUsed })]),
  );
  const tried = new Map(targets.map(target => [target, new Set(passive ? ['listening only'] : [])]));
  const vain = new Map<Target, number>();
  let serial = 0;
  const numbers = () => ({ id: process.pid & 0xffff, sequence: ++serial & 0xffff });

  for (const place of places.values()) {
    // A host that routes for a guest asks as well; everybody but the guests shares one allowance.
    const room = new Map(
      [OTHERS, ...place.station.targets.map(({ nic }) => nic.mac)].map(mac => [mac, MOST_ANSWERS]),
    );
    place.station.onFrame(bytes => {
      const frame = parseFrame(bytes);
      if (frame === null) return;
      known.hear(frame);
      place.lender.heed(frame);
      hearing.hear(frame);
      const who = room.has(frame.source) ? frame.source : OTHERS;
      const left = room.get(who) ?? 0;
      const answer = passive || left === 0 ? null : answerTo(frame, place);
      if (answer === null) return;
      room.set(who, left - 1);
      place.station.answer(answer);
    });
    // Probing takes a while; meanwhile guests can be asked all that takes no address.
    if (!passive) for (const target of place.station.targets) void borrowFor(place, known.of(target));
  }

  /** Ask each of these, and wait for the answers; `extra` frames a place go with them. */
  const converse = async (
    asked: readonly Target[],
    questions: (target: Target, place: Place) => Questions,
    extra: (place: Place) => readonly Uint8Array[] = () => [],
  ) => {
    const batches = [...places.values()].map(place => {
      const here = asked.filter(target => domainOf(target) === place.station.domain);
      const all = here.map(target => ({ target, ...questions(target, place) }));
      for (const { target, words } of all) for (const word of words) tried.get(target)?.add(word);
      return {
        place,
        all,
        frames: [...all.flatMap(({ frames }) => frames), ...(all.length > 0 ? extra(place) : [])],
      };
    });
    const expected = hearing.expect(batches.flatMap(({ all }) => all.flatMap(it => it.expected)));
    await Promise.all(batches.map(({ place, frames }) => place.station.send(frames)));
    await expected.quiet();
  };

  /** First who they are, then echo requests to and from addresses that are known by then. */
  const askThem = async (asked: readonly Target[], alone: boolean) => {
    const everybody = 'IPv6 echo request to all nodes';
    for (const target of asked) tried.get(target)?.add(everybody);
    await converse(
      asked,
      (target, { voice }) => introductions(voice, target.nic.mac, known.of(target), alone),
      ({ voice }) =>
        alone ? asked.map(({ nic }) => toAllNodes(voice, numbers, nic.mac)) : [toAllNodes(voice, numbers)],
    );
    await Promise.all(asked.map(target => borrowFor(places.get(domainOf(target)), known.of(target))));
    await converse(asked, (target, { voice }) => greetings(voice, target.nic.mac, known.of(target), numbers));
  };

  /** One that the host is to route for has to be known by an address of the bridge's, all others by any. */
  const isKnown = (target: Target) => {
    const subnets = places.get(target.bridge)?.station.subnets ?? [];
    if (target.intent !== 'routed' || subnets.length === 0) return known.answered(target).size > 0;
    return known
      .of(target)
      .some(({ address, by }) => by !== 'source' && subnets.some(subnet => isIn(subnet, address)));
  };

  return {
    lanMac,
    places,
    macs: mine,
    noLan: target => places.get(domainOf(target))?.station.noLan ?? null,
    askAll: () => (passive ? sleep(LISTEN_MS) : askThem(targets, false)),
    async ask(target) {
      if (passive) return;
      await askThem([target], true);
      const times = (vain.get(target) ?? 0) + 1;
      vain.set(target, times);
      const sweeper = places.get(domainOf(target))?.sweeper;
      if (!sweeper || times < PATIENCE || isKnown(target)) return;
      await sweeper.run();
      for (const word of sweeper.words) tried.get(target)?.add(word);
      await askThem([target], true);
    },
    async askFromLan(asked) {
      const reached = asked.filter(target => places.get(domainOf(target))?.lan);
      if (passive || reached.length === 0) return;
      await Promise.all(reached.map(target => borrowFor(places.get(domainOf(target)), known.of(target))));
      await converse(reached, (target, { lan, own }) => {
        const voice = lan ?? own;
        const who = introductions(voice, target.nic.mac, known.of(target), false);
        const more = greetings(voice, target.nic.mac, known.of(target), numbers);
        const words = [...who.words, ...more.words].map(word => `${word}, as if from the LAN`);
        return { frames: [...who.frames, ...more.frames], words, expected: [] };
      });
      await sleep(LAN_MS);
    },
    async askSize(target, bytes) {
      const [address] = known.answered(target);
      const place = places.get(domainOf(target));
      if (passive || address === undefined || !place) return null;
      const voice = target.ovs ? (place.lan ?? place.own) : place.own;
      const frame = sized(voice, { mac: target.nic.mac, ip: address }, bytes, numbers);
      if (frame === null) return null;
      const expected = hearing.expect([`${target.nic.mac} ${address} ${bytes}`]);
      tried.get(target)?.add(`echo request of ${bytes} bytes to ${address}`);
      await place.station.send([frame]);
      if (voice === place.lan) {
        // It is not we who hear the answer.
        await sleep(LAN_MS);
        return { address, bytes, answered: false };
      }
      return { address, bytes, answered: (await expected.quiet()).size === 0 };
    },
    tried: target => [...(tried.get(target) ?? [])],
    seenAddresses: target => known.of(target),
    learn: known.learn,
    note(target, words) {
      for (const word of words) tried.get(target)?.add(word);
    },
    async close() {
      await unplug(stations, drivers);
      for (const { station } of places.values()) station.close();
      await forget(stations, lanMac, drivers);
    },
  };
}

/** The bridge has learned on the uplink what came in there. */
async function forget(stations: readonly Station[], mac: string, drivers: Drivers): Promise<void> {
  for (const { bridge, ovs, vid, lan } of stations)
    if (ovs && lan) await drivers.ovs.forget(bridge, vid ?? 0, mac);
  const uplinks = stations.flatMap(({ lan, ovs }) => (ovs ? [] : (lan?.uplink ?? [])));
  if (uplinks.length === 0) return;
  const lines = uplinks.map(uplink => `fdb del ${mac} dev ${uplink} master\n`);
  await drivers.run('bridge', ['-force', '-batch', '-'], { input: lines.join(''), allowFailure: true });
}
