import { afterEach, expect, it } from 'vitest';
import { Box } from '../support/box.js';
import { crowdUp } from '../support/stand-ins.js';
import { exponent, median, rounded } from './measure.js';
import { ROUNDS, report } from './report.js';

// How the time of a proof grows with the number of NICs. Namespaced endpoints stand in for guests.

const COUNTS = [1, 10, 50, 200];

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Milliseconds of each round; every NIC has to be proven. */
async function measured(count: number): Promise<number[]> {
  const box = await Box.up();
  ends.push(() => box.down());
  ends.push(await crowdUp(box, count));
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const answer = await box.vmnet('verify', 'crowd');
    times.push(performance.now() - started);
    const bad = answer.json.checks.filter(
      ({ verdict }: { verdict: string }) => verdict !== 'ok' && verdict !== 'direct',
    );
    expect(bad.map(({ vm, name, reason }: Record<string, string>) => `${vm} ${name} ${reason}`)).toEqual([]);
  }
  for (const end of ends.splice(0).reverse()) await end();
  return times;
}

it('time of verify by number of NICs', async () => {
  const points: { nics: number; ms: number }[] = [];
  for (const nics of COUNTS) points.push({ nics, ms: median(await measured(nics)) });
  const alone = points[0]?.ms ?? 0;
  const growth = (some: typeof points) => exponent(some.map(({ nics, ms }) => [nics, ms]));
  report(
    'verify',
    `median of ${ROUNDS} rounds, the whole command; over all counts the time grows with NICs^${growth(points)}`,
    points.map((point, i) => ({
      NICs: point.nics,
      'median, ms': Math.round(point.ms),
      'times that of 1': rounded(point.ms / alone),
      'exponent since the row before': i === 0 ? '-' : growth(points.slice(i - 1, i + 1)),
    })),
  );
});
