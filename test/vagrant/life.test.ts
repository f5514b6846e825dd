import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAIR, Rig, verdictOf } from '../support/vagrant.js';

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.up();
  await rig.host.lab(PAIR);
});
afterAll(() => rig?.down());

test('one machine alone, then the other: the network plane is made once', async () => {
  const first = await rig.well('up', 'db');
  expect(first).toContain('4 steps done');
  expect(verdictOf(first, 'db')).toBe('direct');
  const second = await rig.well('up', 'web');
  expect(second).toContain('pair: nothing to change');
  expect(verdictOf(second, 'web')).toBe('direct');
});

test('a second up changes nothing, and proves all again', async () => {
  const taps = await rig.taps();
  const output = await rig.well('up');
  expect(['web', 'db'].map(machine => verdictOf(output, machine))).toEqual(['direct', 'direct']);
  expect(await rig.taps()).toEqual(taps);
});

test('suspend and resume', async () => {
  await rig.well('suspend', 'web');
  expect(await rig.host.pingFromLan('192.0.2.50')).toBe(0);
  await rig.well('resume', 'web');
  expect(await rig.host.pingFromLan('192.0.2.50')).toBe(3);
});

test('a suspended machine comes back with up as well', async () => {
  await rig.well('suspend', 'web');
  expect(verdictOf(await rig.well('up', 'web'), 'web')).toBe('direct');
});

test('halt leaves the taps, and status of vmnet tells whose they are', async () => {
  await rig.well('halt', 'web');
  const { json } = await rig.host.vmnet('status', 'pair');
  const [web, db] = json.vms.map((vm: { nics: { peer: unknown }[] }) => vm.nics[0]?.peer);
  expect(web).toBeNull();
  expect(db).toEqual({ domain: expect.stringMatching(/_db$/) });
  expect(verdictOf(await rig.well('up', 'web'), 'web')).toBe('direct');
});

test('a NIC that the lab gets is attached at the next reload, one that it loses is taken away', async () => {
  const nics = [...PAIR.vms.web.nics, { bridge: 'br0', address: '192.0.2.60/24' }];
  await rig.host.lab({ ...PAIR, vms: { ...PAIR.vms, web: { ...PAIR.vms.web, nics } } });
  await rig.well('reload', 'web');
  expect(await rig.well('ssh', 'web', '-c', 'ls /sys/class/net')).toContain('eth2');
  await rig.host.lab(PAIR);
  await rig.well('halt', 'web');
  await rig.well('up', 'web');
  expect(await rig.well('ssh', 'web', '-c', 'ls /sys/class/net')).not.toContain('eth2');
});

test('the network plane stays until the last machine is gone', async () => {
  await rig.well('destroy', '-f', 'web');
  expect(Object.keys(await rig.taps())).toHaveLength(2);
  expect(await rig.host.pingFromLan('192.0.2.51')).toBe(3);
  expect(await rig.well('destroy', '-f', 'db')).toContain('nothing of it is left');
  expect(await rig.taps()).toEqual({});
});

test('libvirt by its socket', async () => {
  await rig.configure(
    `  config.vm.provider(:libvirt) { |libvirt| libvirt.uri = 'qemu+unix:///system?socket=/run/libvirt/libvirt-sock' }`,
  );
  expect(verdictOf(await rig.well('up', 'db'), 'db')).toBe('direct');
  expect(await rig.well('destroy', '-f', 'db')).toContain('nothing of it is left');
});
