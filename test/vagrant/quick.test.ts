import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { PAIR, Rig, verdictOf } from '../support/vagrant.js';

let rig: Rig;
let before: Snapshot;

beforeAll(async () => {
  rig = await Rig.up();
  await rig.host.lab(PAIR);
  before = await rig.host.snapshot();
});
afterAll(() => rig?.down());

test('two machines come up on taps of vmnet, and their paths are proven', async () => {
  const output = await rig.well('up');
  expect(['web', 'db'].map(machine => verdictOf(output, machine))).toEqual(['direct', 'direct']);
  expect(Object.keys(await rig.taps())).toHaveLength(2);
});

test('they reach each other, and are reached from the LAN', async () => {
  expect(await rig.well('ssh', 'web', '-c', 'ping -c 3 192.0.2.51')).toContain('3 packets received');
  expect(await rig.fromLan('192.0.2.50', 'cat /sys/class/net/eth1/address')).toMatch(/^52:54:00:/);
  expect(await rig.host.pingFromLan('192.0.2.51')).toBe(3);
});

test('a reload keeps the taps, and the machine is proven again', async () => {
  const taps = await rig.taps();
  const output = await rig.well('reload', 'web');
  expect(output).toContain('pair: nothing to change');
  expect(verdictOf(output, 'web')).toBe('direct');
  expect(await rig.taps()).toEqual(taps);
  expect(await rig.host.pingFromLan('192.0.2.50')).toBe(3);
});

test('after destroy nothing is left', async () => {
  const output = await rig.well('destroy', '-f');
  expect(output).toContain('looked again, nothing of it is left');
  expect(await rig.domains()).toEqual([]);
  expect(await rig.differenceFrom(before)).toEqual([]);
});
