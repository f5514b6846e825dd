import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame } from './packets.js';

/** Waits for answers. Keys are `MAC`, `MAC ADDRESS` for an echo reply, and `MAC ADDRESS BYTES` for one of that size. */
export interface Hearing {
  hear(frame: Frame): void;
  /** Begin to wait for these; what came before does not count. */
  expect(keys: readonly string[]): Expectation;
}

export interface Expectation {
  /** Resolves with what is still missing when nothing is, or when no answer came for a while. */
  quiet(): Promise<ReadonlySet<string>>;
}

/** Milliseconds without an answer after which guests count as quiet, and that any one question may take. */
const QUIET_MS = 250;
const LONGEST_MS = 2000;
const LOOK_MS = 4;

/** @param mine MACs that are ours: answers are sent to them */
export function makeHearing(mine: ReadonlySet<string>): Hearing {
  const waiting = new Set<{ readonly missing: Set<string>; last: number }>();
  return {
    hear({ source, destination, packet }) {
      if (waiting.size === 0 || !mine.has(destination)) return;
      const echo = packet.kind === 'echo' && packet.reply;
      const keys = [
        source,
        ...(echo ? [`${source} ${packet.source}`, `${source} ${packet.source} ${packet.size}`] : []),
      ];
      for (const one of waiting) {
        for (const key of keys) if (one.missing.delete(key)) one.last = performance.now();
      }
    },
    expect(keys) {
      const one = { missing: new Set(keys), last: 0 };
      waiting.add(one);
      return {
        async quiet() {
          const start = performance.now();
          for (;;) {
            const now = performance.now();
            const still = now - Math.max(one.last, start) < QUIET_MS && now - start < LONGEST_MS;
            if (one.missing.size === 0 || !still) break;
            await sleep(LOOK_MS);
          }
          waiting.delete(one);
          return one.missing;
        },
      };
    },
  };
}
