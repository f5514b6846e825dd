import { bare } from '../lab/cidr.js';
import { linkLocal } from './addresses.js';
import { type Claim, claims, type Frame } from './packets.js';
import type { Ends } from './targets.js';

/** An address of a guest, and how we know. */
export interface KnownAddress {
  readonly address: string;
  /** `lab`: the lab file says so; `derived` from the MAC; else what the guest itself said. */
  readonly by: 'lab' | 'derived' | Claim['by'];
  /** The guest itself has said so, by ARP, neighbour discovery or DHCP. */
  readonly heard: boolean;
}

/** What is known of guests, by MAC, from the lab and from whatever was heard. */
export interface Known {
  hear(frame: Frame): void;
  learn(claim: Claim): void;
  of(target: Ends): readonly KnownAddress[];
  /** Has anybody but `mine` been heard to use this address? */
  isUsed(address: string): boolean;
  /** Addresses that answered an echo request. */
  answered(target: Ends): ReadonlySet<string>;
}

/** A guest that routes bears the addresses of others: no more than these are remembered of one MAC, … */
const MOST_OF_A_GUEST = 16;
/** … and these of the whole LAN. */
const MOST_OF_ALL = 10_000;

/** @param mine MACs of our own stations */
export function makeKnown(targets: readonly Ends[], mine: ReadonlySet<string>): Known {
  const guests = new Map(targets.map(({ nic }) => [nic.mac, new Map<string, KnownAddress>()]));
  const echoes = new Map(targets.map(({ nic }) => [nic.mac, new Set<string>()]));
  const used = new Set<string>();
  for (const { nic } of targets) {
    const known = guests.get(nic.mac);
    for (const address of nic.addresses.map(bare)) known?.set(address, { address, by: 'lab', heard: false });
    const address = linkLocal(nic.mac);
    if (!known?.has(address)) known?.set(address, { address, by: 'derived', heard: false });
  }
  const learn = ({ mac, ip, by }: Claim) => {
    if (mine.has(mac)) return;
    if (used.size < MOST_OF_ALL) used.add(ip);
    const known = guests.get(mac);
    if (known === undefined) return;
    const before = known.get(ip);
    if (before === undefined && known.size >= MOST_OF_A_GUEST) return;
    const heard = by !== 'source';
    if (before === undefined) known.set(ip, { address: ip, by, heard });
    // What lab and MAC tell stands; a guest's own word is worth more than hearsay.
    else if (heard && !before.heard)
      known.set(ip, { ...before, by: before.by === 'source' ? by : before.by, heard });
  };
  return {
    hear(frame) {
      for (const claim of claims(frame)) learn(claim);
      const { packet } = frame;
      if (packet.kind === 'echo' && packet.reply && mine.has(frame.destination))
        echoes.get(frame.source)?.add(packet.source);
    },
    learn,
    of: ({ nic }) => [...(guests.get(nic.mac)?.values() ?? [])],
    isUsed: address => used.has(address),
    answered: ({ nic }) => echoes.get(nic.mac) ?? new Set(),
  };
}
