import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { PAIR, Rig } from '../support/vagrant.js';

let rig: Rig;
let before: Snapshot;

beforeAll(async () => {
  rig = await Rig.up();
  before = await rig.host.snapshot();
});
afterAll(() => rig?.down());

afterEach(async () => {
  await rig.well('destroy', '-f');
  expect(await rig.domains()).toEqual([]);
  expect(await rig.differenceFrom(before)).toEqual([]);
});

/** All that `vagrant up` prints where it has to fail. */
async function failingUp(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await rig.vagrant('up', ...words);
  expect(code).not.toBe(0);
  return stdout + stderr;
}

test('the uplink is missing', async () => {
  await rig.host.lab({ ...PAIR, bridges: { br0: { uplink: 'eth7' } } });
  expect(await failingUp()).toContain('vmnet: bridges.br0.uplink: this host has no interface eth7');
});

test('the lab does not validate', async () => {
  await rig.host.lab({ ...PAIR, bridges: { br0: { uplonk: 'eth0' } } });
  expect(await failingUp()).toContain('bridges.br0.uplonk: unknown key "uplonk"; did you mean "uplink"?');
});

test('the lab breaks while it is up: no up, but destroy', async () => {
  await rig.host.lab(PAIR);
  await rig.well('up', 'web');
  await rig.host.lab({ ...PAIR, bridges: {} });
  expect(await failingUp('web')).toContain('vmnet: the lab file');
});

test('another domain has the tap', async () => {
  await rig.host.lab(PAIR);
  await rig.host.vmnet('provision', join(rig.host.folder, 'lab.json'), '--network-only');
  const tap = Object.keys(await rig.taps()).find(name => name.startsWith('web-'));
  const thief = join(rig.host.folder, 'thief.xml');
  await writeFile(
    thief,
    `<domain type='qemu'><name>thief</name><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>
      <interface type='ethernet'><target dev='${tap}' managed='no'/><model type='virtio'/></interface>
    </devices></domain>`,
  );
  await rig.host.run('virsh', 'create', thief);
  expect(await failingUp('web')).toContain(`vmnet: the tap ${tap} of web is in use by the domain thief`);
  await rig.host.run('virsh', 'destroy', 'thief');
});

test('the path is blocked: up fails with the table', async () => {
  await rig.host.lab(PAIR);
  await rig.host.run('nft', 'add table bridge wall');
  await rig.host.run(
    'nft',
    'add chain bridge wall forward { type filter hook forward priority 0; policy drop; }',
  );
  const output = await failingUp('web');
  await rig.host.run('nft', 'delete table bridge wall');
  expect(output).toMatch(/web +0 +web-\S+ .* blocked/);
});

test.each(['Bringing machine', '4 steps done', 'Starting domain', 'Waiting for machine to boot'])(
  'Ctrl-C at: %s',
  async line => {
    await rig.host.lab(PAIR);
    const { code, stdout } = await rig.interruptedAt(line, 'up');
    expect(code).not.toBe(0);
    // At once only where nothing may have begun yet.
    const atOnce = line === 'Bringing machine' && stdout.includes('Exiting due to interrupt');
    if (!atOnce) expect(stdout).toContain('Waiting for cleanup before exiting');
  },
);
