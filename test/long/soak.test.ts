import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';
import { expectNoGrowth, soak, summary } from '../support/growth.js';

// Labs that come and go for a long time leave nothing: VMNET_TEST_CYCLES makes it shorter.

const LIBRARY = fileURLToPath(new URL('../support/soak-library.mjs', import.meta.url));
const INDEX = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

const MiB = 2 ** 20;

const cyclesOf = (all: number) => Math.min(all, Number(process.env.VMNET_TEST_CYCLES || all));

/** Of most kinds of things that a host has: an uplink that moves, rules and queues at taps, a subnet with DHCP, NAT. */
const LAB = {
  name: 'soak',
  bridges: {
    br0: { uplink: 'eth0', bridgeNetfilter: 'off' },
    'br-nat': { mode: 'nat', address: '10.77.0.1/24', bridgeNetfilter: 'off' },
  },
  vms: {
    a: { boot: 'probe', nics: [{ bridge: 'br0', address: '192.0.2.50/24', antiSpoof: 'ip' }] },
    b: { boot: 'probe', nics: [{ bridge: 'br0', address: '192.0.2.51/24', bandwidth: { in: '100mbit' } }] },
    c: { boot: 'probe', nics: [{ bridge: 'br-nat' }, { bridge: 'br0' }] },
  },
};

let box: Box;
let file: string;

beforeEach(async () => {
  box = await Box.up();
  file = await box.lab(LAB);
});

afterEach(() => box?.down());

describe('a lab that comes and goes', () => {
  it.each([
    ['its network plane, 200 times', 200, ['--network-only']],
    ['with three guests, 30 times', 30, []],
  ])('%s, leaves nothing', { timeout: 3_600_000 }, async (what, all, words) => {
    const cycles = cyclesOf(all);
    const samples = await soak(box, cycles, async () => {
      for (const verb of [
        ['provision', ...words, file],
        ['destroy', LAB.name],
      ]) {
        const { json, code } = await box.vmnet(...verb);
        expect([json.error, code], verb.join(' ')).toEqual([null, 0]);
      }
    });
    console.log(`${what}: ${cycles} cycles, ${summary(samples)}`);
    expectNoGrowth(samples);
  });
});

interface Sample {
  readonly heap: number;
  readonly rss: number;
}

describe('one process in which a lab comes and goes by the library, 200 times', () => {
  it.each([
    ['one host for all', 'kept'],
    ['a host for each', 'each'],
  ])(
    '%s, grows neither in descriptors nor in threads nor in memory',
    { timeout: 1_800_000 },
    async (_, hosts) => {
      const cycles = cyclesOf(200);
      const words = ['--expose-gc', LIBRARY, INDEX, file, String(cycles), hosts];
      const { samples, warnings } = JSON.parse(await box.run(process.execPath, ...words));
      const [first, ...later]: Sample[] = samples;
      const heaps = samples.map(({ heap }: Sample) => (heap / MiB).toFixed(1)).join(' ');
      console.log(`${hosts}: ${cycles} cycles, ${JSON.stringify(samples.at(-1))}, heap ${heaps} MiB`);
      if (first === undefined || later.length === 0) throw new Error('growth takes two looks to be seen');
      for (const sample of later) {
        expect(sample).toEqual({ ...sample, ...counts(first) });
        // What V8 compiles comes late (1.7 MiB in 180 cycles); what a cycle left would be there 180 times.
        expect(sample.heap).toBeLessThan(first.heap + 4 * MiB);
        // Fragments of malloc's, and what koffi leaves of each thread that loads it: 36 KiB for each host that was opened.
        expect(sample.rss).toBeLessThan(first.rss + 48 * MiB);
      }
      expect(warnings).toEqual([]);
    },
  );
});

const counts = ({ heap, rss, cycle, ...rest }: Sample & { readonly cycle?: number }) => rest;
