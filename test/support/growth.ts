import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import type { Box } from './box.js';

// What might grow on a host where labs come and go: looked at between cycles, when no lab is there.

/** One look. */
export interface Sample {
  readonly cycle: number;
  readonly links: number;
  readonly nft: number;
  readonly routes: number;
  readonly rules: number;
  readonly processes: number;
  /** Paths below the state folder, /run, libvirt's folders and that of temporary files. */
  readonly files: readonly string[];
  /** Open descriptors of libvirtd. */
  readonly fds: number;
  /** Resident memory of libvirtd, in KiB. */
  readonly rss: number;
}

/** libvirtd keeps what it has freed for later, in arenas of its own for each of its threads. */
const SLACK_KIB = 8 * 1024;

const LOOK = `
  pid=$(cat /run/libvirtd.pid)
  ip -o link | wc -l
  nft -a list ruleset | grep -c handle
  { ip -o -4 route show table all; ip -o -6 route show table all; } | wc -l
  { ip -4 rule; ip -6 rule; } | wc -l
  ls -d /proc/[0-9]* | wc -l
  ls /proc/$pid/fd | wc -l
  sed -n 's/VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status
  find /run /dev/shm /var/lib/libvirt /var/cache/libvirt /var/log/libvirt "$TMPDIR" | sort`;

async function look(box: Box, cycle: number): Promise<Sample> {
  const [links, nft, routes, rules, processes, fds, rss, ...files] = (await box.run('sh', '-c', LOOK))
    .trim()
    .split('\n');
  const counts = { links, nft, routes, rules, processes, fds, rss };
  const numbers = Object.fromEntries(Object.entries(counts).map(([name, text]) => [name, Number(text)]));
  return { cycle, ...(numbers as Record<keyof typeof counts, number>), files };
}

/** Repeats something, and looks ten times, first when a tenth of it is over: by then all that is made once is there. */
export async function soak(box: Box, cycles: number, once: () => Promise<void>): Promise<Sample[]> {
  const before = await box.snapshot();
  const every = Math.max(1, Math.floor(cycles / 10));
  const samples: Sample[] = [];
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await once();
    if (cycle % every === 0) samples.push(await settled(box, before, cycle, samples[0]));
  }
  return samples;
}

/** libvirtd closes its end of a connection a moment after we have closed ours. */
async function settled(box: Box, before: Snapshot, cycle: number, first?: Sample): Promise<Sample> {
  expect(await box.differenceFrom(before), `after cycle ${cycle}`).toEqual([]);
  for (let tries = 0; ; tries++) {
    const sample = await look(box, cycle);
    if (first === undefined ? tries > 0 : sample.fds <= first.fds || tries > 20) return sample;
    await sleep(100);
  }
}

/** Counts as they were at first; memory within its slack. */
export function expectNoGrowth(samples: readonly Sample[]): void {
  const [first, ...later] = samples;
  if (first === undefined || later.length === 0) throw new Error('growth takes two looks to be seen');
  for (const sample of later) {
    expect(sample).toEqual({ ...first, cycle: sample.cycle, rss: sample.rss });
    expect(sample.rss, `libvirtd's memory in KiB after cycle ${sample.cycle}`).toBeLessThan(
      first.rss + SLACK_KIB,
    );
  }
}

/** One line for the log: what was the same each time, and memory from first to last. */
export const summary = (samples: readonly Sample[]): string => {
  const { files, ...last } = samples.at(-1) as Sample;
  return `${JSON.stringify({ ...last, files: files.length })}, libvirtd ${samples.map(({ rss }) => rss).join(' ')} KiB`;
};
