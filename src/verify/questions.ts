import { ALL_NODES, arpProbe, arpRequest, echoRequest, solicitation } from './frames.js';
import type { KnownAddress } from './known.js';
import type { Host } from './octets.js';

/** Somebody in whose name we speak. */
export interface Voice {
  readonly mac: string;
  readonly linkLocal: string;
  /** The borrowed address from which an IPv4 address is to be spoken to; null where there is none. */
  readonly four: (address: string) => string | null;
}

/** Frames, and each in words for the report. */
export interface Questions {
  readonly frames: readonly Uint8Array[];
  readonly words: readonly string[];
  /** Where an answer is to be expected, since the guest itself has answered for this address. */
  readonly expected: readonly string[];
}

export type Numbers = () => { readonly id: number; readonly sequence: number };

const isSix = ({ address }: KnownAddress) => address.includes(':');

/**
 * Who are you? Every guest tells, even one that answers no echo request. By frames to the guest alone, so that they
 * wake nobody else; `broad`: to all, in case that the guest has another MAC.
 */
export function introductions(
  voice: Voice,
  mac: string,
  known: readonly KnownAddress[],
  broad: boolean,
): Questions {
  const own = { mac: voice.mac, ip: voice.linkLocal };
  const frames = known.flatMap(it => {
    const ask = (to?: string) =>
      isSix(it) ? solicitation(own, it.address, to) : arpProbe(voice.mac, it.address, to);
    return broad ? [ask(mac), ask()] : [ask(mac)];
  });
  const words = known.map(it =>
    isSix(it) ? `neighbour solicitation for ${it.address}` : `ARP probe for ${it.address}`,
  );
  return { frames, words, expected: [mac] };
}

/** Echo requests to every address that is the guest's own; ARP beforehand, so that it need not ask for us. */
export function greetings(
  voice: Voice,
  mac: string,
  known: readonly KnownAddress[],
  numbers: Numbers,
): Questions {
  const all = known.flatMap(it => {
    const from = isSix(it) ? voice.linkLocal : voice.four(it.address);
    if (from === null || it.by === 'source') return [];
    const [self, to] = [
      { mac: voice.mac, ip: from },
      { mac, ip: it.address },
    ];
    const request = echoRequest(self, to, numbers());
    return [
      {
        frames: isSix(it) ? [request] : [arpRequest(self, it.address, mac), request],
        words: isSix(it)
          ? `IPv6 echo request to ${it.address}`
          : `echo request to ${it.address} from ${from}, borrowed`,
        expected: it.heard ? [`${mac} ${it.address}`] : [],
      },
    ];
  });
  return {
    frames: all.flatMap(({ frames }) => frames),
    words: all.map(({ words }) => words),
    expected: all.flatMap(({ expected }) => expected),
  };
}

/** To all nodes of the link, or in a frame to one alone. */
export const toAllNodes = (voice: Voice, numbers: Numbers, mac = ALL_NODES.mac): Uint8Array =>
  echoRequest({ mac: voice.mac, ip: voice.linkLocal }, { mac, ip: ALL_NODES.ip }, numbers());

/** An echo request of this size to an address that answers; null where we have none to speak from. */
export function sized(voice: Voice, to: Host, size: number, numbers: Numbers): Uint8Array | null {
  const from = to.ip.includes(':') ? voice.linkLocal : voice.four(to.ip);
  return from === null ? null : echoRequest({ mac: voice.mac, ip: from }, to, { ...numbers(), size });
}
