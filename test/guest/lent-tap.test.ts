import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// A network plane whose tap a domain has open that vmnet did not make: destroy asks before it cuts that one off.

let box: Box;
let before: Snapshot;

/** It boots nothing: to have the tap open is enough. */
const STRANGER = `
<domain type='qemu'>
  <name>stranger</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <interface type='ethernet'>
      <mac address='52:54:00:99:99:99'/><target dev='lent0' managed='no'/><model type='virtio'/>
    </interface>
  </devices>
</domain>`;

beforeAll(async () => {
  box = await Box.up();
  before = await box.snapshot();
  const vms = { web: { boot: 'probe', nics: [{ bridge: 'br0', tap: 'lent0' }] } };
  const file = await box.lab({ name: 'plane', bridges: { br0: {} }, vms });
  expect((await box.vmnet('provision', '--network-only', file)).json.error).toBeNull();
  const xml = join(box.folder, 'stranger.xml');
  await writeFile(xml, STRANGER);
  await box.run('virsh', 'create', xml);
});

afterAll(() => box?.down());

const isThere = async (link: string) =>
  (await box.attempt('host', 'ip', 'link', 'show', 'dev', link)).code === 0;

it('status names the domain, and destroy refuses, naming it', async () => {
  const status = await box.vmnet('status', 'plane');
  expect(status.json.vms[0].nics[0].peer).toEqual({ domain: 'stranger' });
  for (const words of [
    ['destroy', '--dry-run', 'plane'],
    ['destroy', 'plane'],
  ]) {
    const { code, json } = await box.vmnet(...words);
    expect([code, json.error.code]).toEqual([1, 'conflict']);
    expect(json.error.message).toContain('the tap lent0 is in use by the domain stranger');
  }
  expect(await isThere('lent0')).toBe(true);
});

it('with --force it goes all the same, and the domain runs on', async () => {
  expect((await box.vmnet('destroy', '--force', 'plane')).json.error).toBeNull();
  expect(await isThere('lent0')).toBe(false);
  expect(await box.run('virsh', 'domstate', 'stranger')).toContain('running');
  await box.run('virsh', 'destroy', 'stranger');
  expect(await box.differenceFrom(before)).toEqual([]);
});
