import { setTimeout as sleep } from 'node:timers/promises';
import { formatIp } from '../lab/cidr.js';
import type { Subnet } from './addresses.js';
import { arpProbe } from './frames.js';
import type { Station } from './station.js';

/** The last resort for guests whose address nobody knows: ARP probes for a whole subnet. */
export interface Sweeper {
  /** Sweep once for all who ask at the same time; does nothing too soon after another, nor once there were enough. */
  run(): Promise<void>;
  /** What was swept, for the report. */
  readonly words: readonly string[];
}

/** A /22 without its first and last address, on any one bridge. */
const MOST_PROBES = 1022;
/** Milliseconds that have to pass after the sweep before: a guest may be late. There are no more than these. */
const AFTER_MS = [0, 5_000, 15_000];
/** 32 probes in 10 ms: a LAN carries more, but its devices need not. */
const BURST = 32;
const PAUSE_MS = 8;

export function makeSweeper(station: Station): Sweeper {
  const parts = partsOf(station.subnets);
  let times = 0;
  let last = 0;
  let running: Promise<void> | null = null;
  let words: readonly string[] = [];
  const sweep = async () => {
    words = parts.map(({ text, addresses }) => `ARP probes for ${addresses.length} addresses of ${text}`);
    const probes = parts.flatMap(({ addresses }) => addresses.map(it => arpProbe(station.mac, it)));
    for (let i = 0; i < probes.length; i += BURST) {
      await station.send(probes.slice(i, i + BURST));
      await sleep(PAUSE_MS);
    }
  };
  return {
    run() {
      if (running) return running;
      const after = AFTER_MS[times];
      if (!station.hears || after === undefined || performance.now() - last < after) return Promise.resolve();
      times++;
      running = sweep().finally(() => {
        last = performance.now();
        running = null;
      });
      return running;
    },
    get words() {
      return words;
    },
  };
}

export interface Part {
  readonly text: string;
  readonly addresses: readonly string[];
}

/** The addresses of these subnets; of a large one those next to the address that named it; all in all 1022. */
export function partsOf(subnets: readonly Subnet[]): Part[] {
  let room = MOST_PROBES;
  return subnets.flatMap(subnet => {
    const base = (subnet.value >> 10n) << 10n;
    const first = (subnet.network > base ? subnet.network : base) + 1n;
    const end = subnet.last < base + 1023n ? subnet.last : base + 1023n;
    const count = Math.max(0, Math.min(room, Number(end - first)));
    room -= count;
    if (count === 0) return [];
    return [
      {
        text: subnet.text,
        addresses: Array.from({ length: count }, (_, i) => formatIp(4, first + BigInt(i))),
      },
    ];
  });
}
