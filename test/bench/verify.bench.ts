import { afterEach, expect, it } from 'vitest';
import { Box } from '../support/box.js';
import { crowdUp } from '../support/stand-ins.js';
import { exponent, Growth, median, ratio } from './measure.js';
import { atMost, ROUNDS, report, sizesOf } from './report.js';

// How the time of a proof grows with the number of NICs. Namespaced endpoints stand in for guests.

const COUNTS = sizesOf('BENCH_NICS', [1, 10, 50, 200]);

const GROWTH_FROM = 50;

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
  const found: { nics: number; ms: number[] }[] = [];
  const grown = new Growth(GROWTH_FROM);
  for (const nics of COUNTS) {
    const ms = await measured(nics);
    found.push({ nics, ms });
    grown.add('verify', nics, ms);
  }
  const [alone = [], most = []] = [1, 200].map(nics => found.find(it => it.nics === nics)?.ms ?? []);
  const growth = (some: typeof found) => exponent(some.map(({ nics, ms }) => [nics, median(ms)]));
  const rows = found.map(({ nics, ms }, i) => ({
    NICs: nics,
    'median, ms': Math.round(median(ms)),
    min: Math.round(Math.min(...ms)),
    max: Math.round(Math.max(...ms)),
    ...(alone.length > 0 ? { 'times that of 1': ratio(ms, alone) } : {}),
    'exponent since the row before': i === 0 ? '-' : growth(found.slice(i - 1, i + 1)),
  }));
  const exponentFrom = grown.of('verify');
  report(
    'verify',
    `${ROUNDS} rounds, the whole command; namespaces stand in for guests${exponentFrom === null ? '' : `. From ${GROWTH_FROM} NICs up the time grows with NICs^${exponentFrom}`}`,
    rows,
    [
      atMost(
        3,
        'times that of 1',
        'verify of 200 NICs',
        alone.length && most.length ? ratio(most, alone) : null,
      ),
      atMost(1, 'as exponent', `growth of verify from ${GROWTH_FROM} NICs up`, exponentFrom),
    ],
  );
});
