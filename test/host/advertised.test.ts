import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// Addresses and routes that the kernel has from router advertisements, on the real kernel, from a real router.

let box: Box;
let file: string;
let before: Snapshot;

beforeEach(async () => {
  box = await Box.up([
    { name: 'eth0', host: ['192.0.2.2/24'], lan: ['192.0.2.1/24', 'fd00:a::1/64'], gateways: [] },
  ]);
  file = await box.lab({ name: 'ra', bridges: { br0: { uplink: 'eth0' } }, vms: {} });
  // It ends with its namespace.
  await box.lan(
    'dnsmasq',
    ...['--conf-file=/dev/null', '--pid-file', '--port=0', '--leasefile-ro', '--user=root'],
    ...['--interface=lan0', '--enable-ra', '--ra-param=lan0,4,1800', '--dhcp-range=fd00:a::,ra-only,64,600'],
  );
  await until(
    async () => (await leased('eth0')) !== null && (await settled()) && (await gateway('eth0')) !== null,
  );
  before = await box.snapshot();
}, 60_000);

afterEach(() => box?.down());

interface Shown {
  readonly local: string;
  readonly scope: string;
  readonly valid_life_time: number;
  readonly tentative?: boolean;
}

async function addresses(dev: string): Promise<Shown[]> {
  const [link] = JSON.parse(await box.run('ip', '-j', '-6', 'address', 'show', 'dev', dev));
  return link?.addr_info ?? [];
}

/** Seconds that the advertised address has left. */
async function leased(dev: string): Promise<number | null> {
  const found = (await addresses(dev)).find(({ local }) => local.startsWith('fd00:a:'));
  return found?.valid_life_time ?? null;
}

const settled = async () => (await addresses('eth0')).every(({ tentative }) => !tentative);

interface ShownRoute {
  readonly gateway: string;
  readonly metric: number;
  readonly protocol: string;
  readonly expires?: number;
}

const defaults = async (dev: string): Promise<ShownRoute[]> =>
  JSON.parse(await box.run('ip', '-j', '-6', 'route', 'show', 'default', 'dev', dev));

const gateway = async (dev: string) => (await defaults(dev))[0]?.gateway ?? null;

/** At most 20 seconds: an advertisement comes every four. */
async function until(done: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200 && !(await done()); tries++) await sleep(100);
  expect(await done()).toBe(true);
}

/** The lifetime of the address on an interface goes up: it does so by an advertisement only. */
async function refreshed(dev: string): Promise<void> {
  let last = (await leased(dev)) ?? Number.POSITIVE_INFINITY;
  await until(async () => {
    const now = (await leased(dev)) ?? 0;
    const up = now > last;
    last = Math.min(now, last);
    return up;
  });
}

describe('an uplink that routers advertise themselves to', () => {
  it('goes on being renewed by the kernel: on the bridge, and back on the NIC', async () => {
    const [address, router] = [(await addresses('eth0')).map(({ local }) => local), await gateway('eth0')];
    const up = await box.vmnet('provision', '--network-only', file);
    expect(up.json.error).toBeNull();
    expect((await addresses('br0')).map(({ local }) => local).sort()).toEqual(address.sort());
    expect(await addresses('eth0')).toEqual([]);
    expect(await defaults('br0')).toMatchObject([{ gateway: router, metric: 1024, protocol: 'ra' }]);
    await refreshed('br0');
    expect((await addresses('br0')).length).toBe(address.length);
    expect(await defaults('eth0')).toEqual([]);
    expect((await box.vmnet('provision', '--network-only', file)).json.changed).toBe(0);

    const down = await box.vmnet('destroy', 'ra');
    expect(down.json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
    await refreshed('eth0');
    expect(await box.differenceFrom(before)).toEqual([]);
  }, 120_000);
});
