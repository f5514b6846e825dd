import { expect, test } from 'vitest';
import type { Scene } from '../../../src/verify/causes/cause.js';
import { checkFdb, checkTap } from '../../../src/verify/checks.js';
import { closingLine, proofTable } from '../../../src/verify/describe.js';
import { explain } from '../../../src/verify/explain.js';
import { judgePath } from '../../../src/verify/path.js';
import { directScene, withLink } from '../../fakes/evidence.js';

const checks = (scene: Scene) => [
  checkTap(scene.target, scene.host, scene.settings),
  checkFdb(scene.target, scene.evidence.fdb?.port ?? null),
  judgePath(scene),
];

test('a direct path is a line of its hops', async () => {
  const lines = proofTable(checks(await directScene(true))).split('\n');
  expect(lines.find(line => line.startsWith('web'))).toMatch(
    /^web +0 +\S+ 8 +br0 6 +eth0 6 +20 µs +3 +0 +direct$/,
  );
  expect(lines.filter(line => line.includes('NIC 0:'))).toEqual([]);
});

test('without an uplink there is a dash', async () => {
  expect(proofTable(checks(await directScene(false)))).toMatch(/br0 6 +- +- +- +0 +direct/);
});

test('every fault is told below, with its reason and what to do', async () => {
  const scene = await directScene(true);
  const text = proofTable(checks(withLink(scene, 'eth0', { up: false })));
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

test('the sentences tell each hop, and name what is wrong', async () => {
  const scene = await directScene(true);
  const text = explain([judgePath(scene)]);
  expect(text).toContain("6 were captured leaving eth0 behind all filters, with the guest's own MAC");
  expect(text).toContain('left eth0 20 µs later');
  expect(text).toContain("The host's IP stack saw none of it");
  expect(explain([judgePath(withLink(scene, 'eth0', { up: false }))])).toContain(
    'blocked, since eth0 is down',
  );
});
