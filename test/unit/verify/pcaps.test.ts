import { expect, test } from 'vitest';
import type { CapturedFrame } from '../../../src/drivers/pcap.js';
import { framesByHop } from '../../../src/verify/pcaps.js';
import { directScene } from '../../fakes/evidence.js';

const { target } = await directScene(true);
const frame = (ifindex: number, timeUs: number): CapturedFrame => ({
  timeUs,
  ifindex,
  direction: 'in',
  mac: null,
  protocol: 0x0806,
  data: new Uint8Array(28),
  length: 28,
});
const devices = new Map([
  [2, 'eth0'],
  [5, 'br0'],
  [7, target.tap],
  [9, 'elsewhere'],
]);

test('each hop has its frames in order; other devices have none', () => {
  const frames = [frame(7, 1), frame(2, 2), frame(9, 3), frame(7, 4), frame(77, 5)];
  const found = framesByHop([target, { ...target, tap: 'tap9' }], frames, devices);
  expect([...found].map(([hop, passed]) => [hop, passed.map(({ timeUs }) => timeUs)])).toEqual([
    [target.tap, [1, 4]],
    ['br0', []],
    ['eth0', [2]],
    ['tap9', []],
  ]);
});

test('without an uplink there is no file for it', () => {
  expect([...framesByHop([{ ...target, uplink: null }], [], devices).keys()]).toEqual([target.tap, 'br0']);
});
