import { contains, parseCidr } from '../lab/cidr.js';
import { type Lender, makeLender } from './borrow.js';
import { advertisement, arpReply } from './frames.js';
import type { KnownAddress } from './known.js';
import { NOBODY } from './octets.js';
import type { Frame } from './packets.js';
import type { Voice } from './questions.js';
import type { Station } from './station.js';
import { makeSweeper, type Sweeper } from './sweep.js';

/** What happens on one bridge. */
export interface Place {
  readonly station: Station;
  readonly lender: Lender;
  readonly sweeper: Sweeper;
  readonly own: Voice;
  readonly lan: Voice | null;
  /** Whichever of the two is heard. */
  readonly voice: Voice;
}

interface Lending {
  readonly taken: ReadonlySet<string>;
  readonly mine: ReadonlySet<string>;
  readonly isUsed: (address: string) => boolean;
}

export function placeOf(station: Station, lanMac: string, lending: Lending): Place {
  const lender = makeLender({ mac: station.mac, send: station.send, ...lending });
  const loanFor = (address: string) => {
    const subnet = subnetFor(station, address);
    return subnet ? lender.loans.get(subnet.text) : undefined;
  };
  const { mac, linkLocal } = station;
  const own: Voice = { mac, linkLocal, four: address => loanFor(address)?.own ?? null };
  const lan: Voice | null = station.lan && {
    mac: lanMac,
    linkLocal: station.lan.linkLocal,
    four: address => loanFor(address)?.lan ?? null,
  };
  const voice = station.hears ? own : (lan ?? own);
  return { station, lender, sweeper: makeSweeper(station), own, lan, voice };
}

function subnetFor({ subnets }: Station, address: string) {
  const cidr = parseCidr(`${address}/32`);
  return cidr ? subnets.find(subnet => contains(subnet, cidr)) : undefined;
}

/** Borrow in each subnet that a guest's addresses are in. */
export async function borrowFor(place: Place | undefined, known: readonly KnownAddress[]): Promise<void> {
  // Who cannot hear cannot know that an address is free.
  if (!place?.station.hears) return;
  const subnets = known.map(({ address }) => subnetFor(place.station, address));
  await Promise.all(subnets.map(subnet => subnet && place.lender.in(subnet)));
}

/** Who asks for the address that it is to answer gets it told; never one who wants the address for itself. */
export function answerTo({ source, packet }: Frame, place: Place): Uint8Array | null {
  const voices = place.lan ? [place.own, place.lan] : [place.own];
  if (packet.kind === 'arp' && !packet.reply && packet.sender.ip !== NOBODY) {
    const voice = voices.find(({ four }) => four(packet.target) === packet.target);
    return voice ? arpReply({ mac: voice.mac, ip: packet.target }, packet.sender) : null;
  }
  if (packet.kind === 'neighbour' && !packet.advertisement && packet.source !== '::') {
    const voice = voices.find(({ linkLocal }) => linkLocal === packet.target);
    const to = { mac: source, ip: packet.source };
    return voice ? advertisement({ mac: voice.mac, ip: packet.target }, to) : null;
  }
  return null;
}
