import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

let box: Box;
let before: Snapshot;

beforeAll(async () => {
  box = await Box.up();
  before = await box.snapshot();
});

afterAll(() => box?.down());

it('a real guest on a bridge with NAT: it has a lease, is known by its name, and answers there', async () => {
  const file = await box.lab({
    name: 'leased',
    bridges: { br1: { mode: 'nat' } },
    vms: { web: { boot: 'probe', nics: [{ bridge: 'br1' }] } },
  });
  const { json } = await box.vmnet('provision', file);
  expect(json.error).toBeNull();
  const own = json.checks.filter(({ bridge }: { bridge?: string }) => bridge === 'br1');
  expect(own.map(({ name, verdict }: Record<string, string>) => [name, verdict])).toEqual([
    ['dhcp', 'ok'],
    ['dns', 'ok'],
  ]);
  const status = async () => (await box.vmnet('status', 'leased')).json.bridges[0];
  for (let tries = 0; tries < 60 && (await status()).dhcp.leases.length === 0; tries++) await sleep(500);
  const { addresses, dhcp } = await status();
  expect(dhcp.leases).toMatchObject([{ name: 'web' }]);
  const [{ address }] = dhcp.leases;
  const server = addresses[0].split('/')[0];
  expect(await box.run('busybox', 'nslookup', 'web.leased.test', server)).toContain(`Address: ${address}`);
  expect(await box.run('ping', '-c', '1', '-W', '5', address)).toContain('1 received');
  expect((await box.vmnet('provision', '--no-verify', file)).json).toMatchObject({ ok: true, changed: 0 });
  expect((await box.vmnet('destroy', 'leased')).json.error).toBeNull();
  expect(await box.differenceFrom(before)).toEqual([]);
});
