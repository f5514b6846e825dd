import { setTimeout as sleep } from 'node:timers/promises';
import { borrowCandidates, type Subnet } from './addresses.js';
import { arpProbe } from './frames.js';
import { NOBODY } from './octets.js';
import type { Frame } from './packets.js';

/** Two addresses of a subnet that nobody answers for: guests answer a pinger of their own subnet. */
export interface Loan {
  /** Null where every address that was tried is in use. */
  readonly own: string | null;
  /** For frames that come in at the uplink, so that no guest has one address at two MACs. */
  readonly lan: string | null;
}

export interface Lender {
  /** Borrow in this subnet; probed once, 400 ms. */
  in(subnet: Subnet): Promise<Loan>;
  /** What is lent out now, by subnet. */
  readonly loans: ReadonlyMap<string, Loan>;
  /** Gives back what somebody else uses, or is about to: it is theirs. */
  heed(frame: Frame): void;
}

/** Twice, as frames get lost; then as long as a slow device takes to answer. */
const PROBE_AGAIN_MS = 100;
const PATIENCE_MS = 300;
/** Sets of candidates that are probed before a subnet counts as full. */
const TRIES = 3;

export interface Lending {
  readonly mac: string;
  /** Never borrowed, without prefix. */
  readonly taken: ReadonlySet<string>;
  readonly isUsed: (address: string) => boolean;
  readonly send: (frames: readonly Uint8Array[]) => Promise<void>;
  /** MACs that are ours. */
  readonly mine: ReadonlySet<string>;
}

export function makeLender({ mac, taken, isUsed, send, mine }: Lending): Lender {
  const loans = new Map<string, Loan>();
  const asked = new Map<string, Promise<Loan>>();
  /** All that we ever thought of, and those of them that others use or want. */
  const considered = new Set<string>();
  const wanted = new Set<string>();
  const isFree = (address: string) => !isUsed(address) && !wanted.has(address);

  const probe = async (subnet: Subnet): Promise<Loan> => {
    const refused = new Set(taken);
    for (let i = 0; i < TRIES; i++) {
      const candidates = borrowCandidates(subnet, refused);
      if (candidates.length === 0) break;
      for (const address of candidates) considered.add(address);
      const probes = candidates.map(address => arpProbe(mac, address));
      await send(probes);
      await sleep(PROBE_AGAIN_MS);
      await send(probes);
      await sleep(PATIENCE_MS);
      const [own = null, lan = null] = candidates.filter(isFree);
      if (own !== null) return { own, lan };
      for (const address of candidates) refused.add(address);
    }
    return { own: null, lan: null };
  };

  return {
    loans,
    in(subnet) {
      const before = asked.get(subnet.text);
      if (before) return before;
      const found = probe(subnet).then(loan => {
        loans.set(subnet.text, loan);
        return loan;
      });
      asked.set(subnet.text, found);
      return found;
    },
    heed({ packet }) {
      if (packet.kind !== 'arp' || mine.has(packet.sender.mac)) return;
      const { ip } = packet.sender;
      const address = ip === NOBODY ? packet.target : ip;
      if (!considered.has(address)) return;
      wanted.add(address);
      for (const [subnet, { own, lan }] of loans) {
        if (own === address) loans.set(subnet, { own: null, lan });
        if (lan === address) loans.set(subnet, { own, lan: null });
      }
    },
  };
}
