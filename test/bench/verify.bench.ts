import { afterEach, expect, it } from 'vitest';
import { Box } from '../support/box.js';
import { crowdUp } from '../support/stand-ins.js';
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

const median = (values: readonly number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

const rounded = (value: number) => Math.round(value * 100) / 100;

/** By how much of a power the time grows: the slope of log time over log count, by least squares. */
function exponent(points: readonly { readonly nics: number; readonly ms: number }[]): number {
  const logs = points.map(({ nics, ms }) => ({ x: Math.log(nics), y: Math.log(ms) }));
  const mean = (of: 'x' | 'y') => logs.reduce((sum, point) => sum + point[of], 0) / logs.length;
  const [x, y] = [mean('x'), mean('y')];
  const over = logs.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0);
  return over / logs.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
}

it('time of verify by number of NICs', async () => {
  const points: { nics: number; ms: number }[] = [];
  for (const nics of COUNTS) points.push({ nics, ms: median(await measured(nics)) });
  const alone = points[0]?.ms ?? 0;
  report(
    'verify',
    `median of ${ROUNDS} rounds, the whole command; over all counts the time grows with NICs^${rounded(exponent(points))}`,
    points.map((point, i) => ({
      NICs: point.nics,
      'median, ms': Math.round(point.ms),
      'times that of 1': rounded(point.ms / alone),
      'exponent since the row before': i === 0 ? '-' : rounded(exponent(points.slice(i - 1, i + 1))),
    })),
  );
});
