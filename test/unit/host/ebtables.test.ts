import { expect, test } from 'vitest';
import type { Drivers } from '../../../src/drivers/drivers.js';
import { savedEbtables } from '../../../src/host/ebtables.js';
import { legacyRules } from '../../../src/host/rules/xtables.js';
import { fakeRun } from '../../fakes/run.js';

// The form of the list is out of ebtables(8).
const LISTED = `Bridge table: nat

Bridge chain: PREROUTING, entries: 1, policy: ACCEPT
-i eth0 -j DROP
`;

function asked(modules: string | null) {
  const { run, calls } = fakeRun(() => ({ stdout: LISTED }));
  const drivers = { run, files: { read: async () => modules } } as unknown as Drivers;
  return { text: savedEbtables(drivers), calls };
}

test('a legacy table of ebtables that is there is asked for by its own program', async () => {
  const { text, calls } = asked('bridge 1 0 - Live 0x0\nebtable_nat 16384 0 - Live 0x0\n');
  expect(legacyRules('ebtables', await text, [{ device: 'eth0', bridge: 'br0' }])).toMatchObject([
    { where: 'ebtables table nat', text: '-A PREROUTING -i eth0 -j DROP' },
  ]);
  expect(calls.map(({ command }) => command)).toEqual(['ebtables-legacy -t nat -L']);
});

test.each([null, '', 'nf_tables 1 0 - Live 0x0\n'])('none is made by looking for it: %j', async modules => {
  const { text, calls } = asked(modules);
  expect(await text).toBe('');
  expect(calls).toEqual([]);
});
