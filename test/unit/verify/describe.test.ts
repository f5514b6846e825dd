import { expect, test } from 'vitest';
import { checkFdb, checkTap } from '../../../src/verify/checks.js';
import { closingLine, proofTable } from '../../../src/verify/describe.js';
import { judgePath } from '../../../src/verify/path.js';
import { directScene, type Scene, withLink } from '../../fakes/evidence.js';
import { labFrom } from '../../fakes/labs.js';

const LAB = labFrom({
  version: 1,
  name: 'l',
  bridges: { br0: {} },
  vms: { web: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
});

const checks = ({ target, evidence, host, alive }: Scene) => [
  checkTap(target, host),
  checkFdb(target, evidence.fdb?.port ?? null),
  judgePath(target, evidence, { host, alive }),
];

test('a direct path is a line of its hops', async () => {
  const lines = proofTable(LAB, checks(await directScene(true))).split('\n');
  expect(lines.find(line => line.startsWith('web'))).toMatch(/^web +0 +\S+ 6 +br0 4 +4 +eth0 4 +0 +direct$/);
  expect(lines.filter(line => line.includes('NIC 0:'))).toEqual([]);
});

test('without an uplink there is a dash', async () => {
  expect(proofTable(LAB, checks(await directScene(false)))).toMatch(/br0 4 +4 +- +0 +direct/);
});

test('every fault is told below, with its reason and what to do', async () => {
  const scene = await directScene(true);
  const text = proofTable(LAB, checks(withLink(scene, 'eth0', { up: false })));
  expect(text).toContain('web, NIC 0: path blocked (uplink-down): eth0 is down: ip link set dev eth0 up');
});

test('the closing line counts', async () => {
  const scene = await directScene(true);
  const [good, bad] = [checks(scene), checks(withLink(scene, 'eth0', { up: false }))];
  expect(closingLine('l', 5, good)).toBe('l: 5 steps done, 1 of 1 NICs direct');
  expect(closingLine('l', 1, [])).toBe('l: 1 step done');
  expect(closingLine('l', 0, bad)).toBe('l: nothing to change, 0 of 1 NICs direct, 1 check failed');
  expect(closingLine('l', null, good)).toBe('l: 1 of 1 NICs direct');
});
