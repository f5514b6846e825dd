import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostState, Link } from '../../host/model.js';
import { formatIp, parseCidr } from '../../lab/cidr.js';
import { advertisement, arpReply, arpRequest, echoRequest } from '../frames.js';
import type { KnownAddress } from '../known.js';
import { type Host, ICMP, ICMPV6, ipBytes, NOBODY } from '../octets.js';
import { type Frame, parseFrame } from '../packets.js';
import { borrowFor, type Place } from '../place.js';
import type { Numbers } from '../questions.js';
import type { Stimulus } from '../stimulus.js';
import type { Target } from '../targets.js';
import { type ErrandPlan, hostAddress, isLinkLocal, nowhere, type Outing } from './outings.js';

/** An errand that has been run. */
export interface Ran {
  readonly plan: ErrandPlan;
  readonly from: string;
  readonly answers: ReadonlySet<string>;
}

export interface Runner {
  /** Send once more, and wait until whoever answers has done so. */
  run(outings: readonly Outing[]): Promise<void>;
  of(plan: ErrandPlan): Ran | undefined;
}

/** One router further, and no more: what leaves reaches the next hop and ends there. */
const ONE_HOP = 2;
/** Frames to each address; the first may have to wait until the next hop is found. */
const REPEAT = 3;
const WAIT_MS = 150;

/** Errands go through our port, in the name of a guest that is not there; guests are asked in the host's name. */
export function makeRunner(stimulus: Stimulus, host: HostState): Runner {
  const ran = new Map<ErrandPlan, { plan: ErrandPlan; from: string; answers: Set<string> }>();
  const own = new Set(host.links.flatMap(link => link.addresses.map(({ local }) => local)));
  let serial = 0;
  const numbers: Numbers = () => ({ id: (process.pid + 1) & 0xffff, sequence: ++serial & 0xffff });

  const begin = async (outing: Outing, place: Place) => {
    await borrowFor(
      place,
      outing.targets.flatMap(target => stimulus.seenAddresses(target)),
    );
    for (const plan of outing.errands) {
      if (ran.has(plan)) continue;
      const from =
        plan.family === 'ip' ? await sourceFour(outing.link, place) : sourceSix(outing.link, outing.targets);
      ran.set(plan, { plan, from, answers: new Set() });
    }
    if (listening.has(place)) return;
    listening.add(place);
    place.station.onFrame(bytes => {
      const frame = parseFrame(bytes);
      for (const { plan, from, answers } of frame ? ran.values() : []) {
        if (!frame || !outing.errands.includes(plan)) continue;
        const answer = answerFor({ mac: plan.mac, ip: from }, frame);
        if (answer) place.station.answer(answer);
        const heard = answered(plan.mac, frame);
        if (heard !== null && !own.has(heard)) answers.add(heard);
      }
    });
  };
  const listening = new Set<Place>();

  return {
    of: plan => ran.get(plan),
    async run(outings) {
      await Promise.all(
        outings.map(async outing => {
          const place = stimulus.places.get(outing.domain);
          // Where STP keeps our port silent, nothing that we send gets in.
          if (!place?.station.hears) return;
          await begin(outing, place);
          const errands = outing.errands.flatMap(plan => {
            const { from } = ran.get(plan) ?? { from: NOBODY };
            const hops = outing.intent === 'isolated' ? undefined : ONE_HOP;
            const frames = plan.aims.addresses.map(ip =>
              echoRequest(
                { mac: plan.mac, ip: from },
                { mac: destination(ip, outing.link.mac), ip },
                { ...numbers(), ...(hops === undefined ? {} : { hops }) },
              ),
            );
            return outing.intent === 'isolated'
              ? frames
              : Array.from({ length: REPEAT }, () => frames).flat();
          });
          const asked = outing.targets.flatMap(target => {
            const { frames, words } = inHostsName(outing, target, stimulus.seenAddresses(target), numbers);
            stimulus.note(target, words);
            return frames;
          });
          await place.station.send([...asked, ...errands]);
        }),
      );
      await sleep(WAIT_MS);
    },
  };
}

/** Multicast goes to its group's MAC (RFC 1112, RFC 2464), all else to the host, as to a gateway. */
function destination(ip: string, gateway: string): string {
  const bytes = ipBytes(ip);
  const hex = (values: readonly number[]) => values.map(byte => byte.toString(16).padStart(2, '0')).join(':');
  if (ip.startsWith('ff')) return `33:33:${hex(bytes.slice(12))}`;
  if (!ip.includes(':') && (bytes[0] ?? 0) >= 224)
    return `01:00:5e:${hex([(bytes[1] ?? 0) & 127, bytes[2] ?? 0, bytes[3] ?? 0])}`;
  return gateway;
}

/** In a subnet of the bridge's own where it has one, borrowed; else one that is nobody's. */
async function sourceFour(link: Link, { station, lender }: Place): Promise<string> {
  const own = hostAddress(link, 4);
  const cidr = own && parseCidr(`${own.local}/${own.prefix}`);
  const subnet = station.subnets.find(({ network }) => network === cidr?.network) ?? station.subnets[0];
  const loan = subnet && (await lender.in(subnet));
  // The other one that is lent is our port's own.
  return loan?.lan ?? nowhere(4).host;
}

/** A random one of 64 bits needs no asking whether it is free. */
function sourceSix(link: Link, targets: readonly Target[]): string {
  const own = hostAddress(link, 6);
  const text = own
    ? `${own.local}/${own.prefix}`
    : targets.flatMap(({ nic }) => nic.addresses).find(address => address.includes(':'));
  const cidr = text === undefined ? null : parseCidr(text);
  if (cidr === null || cidr.prefix > 64 || isLinkLocal(cidr.address)) return nowhere(6).host;
  return formatIp(6, cidr.network | randomBytes(8).readBigUInt64BE());
}

/** The host looks for the sender of what it is to send back. */
function answerFor(self: Host, { source, packet }: Frame): Uint8Array | null {
  if (packet.kind === 'arp' && !packet.reply && packet.sender.ip !== NOBODY && packet.target === self.ip)
    return arpReply(self, packet.sender);
  if (packet.kind === 'neighbour' && !packet.advertisement && packet.target === self.ip)
    return packet.source === '::' ? null : advertisement(self, { mac: source, ip: packet.source });
  return null;
}

/** Who answered an errand: by an echo reply, or by the word that it could not go on. */
function answered(mac: string, { destination: to, packet }: Frame): string | null {
  if (to !== mac) return null;
  if (packet.kind === 'echo' && packet.reply) return packet.source;
  if (packet.kind === 'ip' && [ICMP, ICMPV6].includes(packet.protocol)) return packet.source;
  return null;
}

/**
 * A guest sends to the host when the host asks it, and sends to its gateway when somebody outside does: so both ask
 * it, by frames of ours that bear the host's MAC. The port that they come from does not learn it.
 */
function inHostsName(
  { link, errands }: Outing,
  { nic }: Target,
  known: readonly KnownAddress[],
  numbers: Numbers,
) {
  const questions = known
    .filter(({ by }) => by !== 'source')
    .flatMap(({ address }) => {
      const six = address.includes(':');
      const to = { mac: nic.mac, ip: address };
      const self = hostFor(link, address);
      const asker = errands.find(({ family }) => (family === 'ip6') === six)?.asker;
      const near = self === null ? [] : [{ mac: link.mac, ip: self }];
      const far =
        asker === undefined || isLinkLocal(address) || self === null ? [] : [{ mac: link.mac, ip: asker }];
      return [
        ...near.map(from => ({
          frames: [...(six ? [] : [arpRequest(from, address, nic.mac)]), echoRequest(from, to, numbers())],
          word: `echo request to ${address} in the name of the host, ${from.ip}`,
        })),
        ...far.map(from => ({
          frames: [echoRequest(from, to, numbers())],
          word: `echo request to ${address} from ${from.ip}, as if the host had passed it on`,
        })),
      ];
    });
  return { frames: questions.flatMap(({ frames }) => frames), words: questions.map(({ word }) => word) };
}

/** The host's address that a guest with this one would have as its gateway. */
function hostFor({ addresses }: Link, guest: string): string | null {
  const six = guest.includes(':');
  const value = parseCidr(`${guest}/${six ? 128 : 32}`)?.value ?? 0n;
  const near = addresses.filter(
    it => (it.family === 6) === six && isLinkLocal(it.local) === isLinkLocal(guest),
  );
  const own = near.find(({ local, prefix }) => {
    const cidr = parseCidr(`${local}/${prefix}`);
    return cidr !== null && value >= cidr.network && value <= cidr.last;
  });
  return (own ?? null)?.local ?? null;
}
