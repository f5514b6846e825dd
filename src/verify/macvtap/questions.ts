import type { CapturedFrame } from '../../drivers/pcap.js';
import { echoRequest } from '../frames.js';
import { type Known, makeKnown } from '../known.js';
import { parsePacket } from '../packets.js';
import { greetings, introductions, toAllNodes, type Voice } from '../questions.js';
import type { MacvtapTarget } from './targets.js';

/** What guests are asked, and what is known of them by what they said. We hear their answers through the capture only. */
export interface Interview {
  /** Frames that ask who the guest is, and for an answer to an echo request. */
  ask(target: MacvtapTarget, broad: boolean): readonly Uint8Array[];
  /** An echo request of this size; null where no address of the guest's has answered one. */
  askSize(target: MacvtapTarget, bytes: number): Uint8Array | null;
  /** What guests were heard to say. */
  learn(frames: readonly CapturedFrame[]): void;
  /** It was heard to use an IPv6 address. */
  speaksSix(target: MacvtapTarget): boolean;
  addresses(target: MacvtapTarget): readonly string[];
  tried(target: MacvtapTarget): readonly string[];
}

/**
 * IPv4 guests are asked by ARP alone: whether an address may be borrowed for an echo request, nobody on the LAN could
 * tell us, since a NIC keeps from us what is for a MAC that it does not know.
 */
export function makeInterview(
  targets: readonly MacvtapTarget[],
  lanMac: string,
  linkLocal: string,
): Interview {
  const known: Known = makeKnown(targets, new Set([lanMac]));
  const voice: Voice = { mac: lanMac, linkLocal, four: () => null };
  const tried = new Map(targets.map(target => [target, new Set<string>()]));
  const answered = new Map<string, string>();
  let heard = 0;
  let serial = 0;
  const numbers = () => ({ id: process.pid & 0xffff, sequence: ++serial & 0xffff });
  const note = (target: MacvtapTarget, word: string) => tried.get(target)?.add(`${word}, as if from the LAN`);
  return {
    ask(target, broad) {
      const { mac } = target.nic;
      // A solicitation tells the guest our MAC, so that it need not ask for it before it answers.
      const who = introductions(voice, mac, known.of(target), broad);
      const more = greetings(voice, mac, known.of(target), numbers);
      for (const word of [...who.words, ...more.words, 'IPv6 echo request to all nodes']) note(target, word);
      return [...who.frames, ...more.frames, toAllNodes(voice, numbers, mac)];
    },
    askSize(target, bytes) {
      const ip = answered.get(target.nic.mac);
      if (ip === undefined) return null;
      note(target, `echo request of ${bytes} bytes to ${ip}`);
      const to = { mac: target.nic.mac, ip };
      return echoRequest({ mac: lanMac, ip: linkLocal }, to, { ...numbers(), size: bytes });
    },
    learn(frames) {
      for (const frame of frames.slice(heard)) {
        if (frame.mac === null) continue;
        const packet = parsePacket(frame.protocol, frame.data);
        known.hear({ source: frame.mac, destination: '', packet });
        const isOurs = packet.kind === 'echo' && packet.reply && packet.destination === linkLocal;
        if (isOurs) answered.set(frame.mac, packet.source);
      }
      heard = frames.length;
    },
    speaksSix: target => known.of(target).some(({ address, heard }) => heard && address.includes(':')),
    addresses: target => known.of(target).map(({ address }) => address),
    tried: target => [...(tried.get(target) ?? [])],
  };
}
