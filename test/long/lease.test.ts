import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Box } from '../support/box.js';
import {
  acknowledged,
  acknowledgedAgain,
  addressesOf,
  clientsOf,
  dhcpBox,
  pinging,
} from '../support/dhcp.js';

// Leases of two minutes, left alone for longer than two of them: what nobody renews has run out by then.

/** Seconds. */
const LEASE = 120;

describe.concurrent('a host whose address is leased for two minutes is still reached two leases later', () => {
  it.each([
    ['dhclient', ['dhclient', 'eth0']],
    ['udhcpc', ['udhcpc', '-i', 'eth0', '-b', '-R', '-p', '/run/udhcpc.eth0.pid']],
    ['dhcpcd', ['dhcpcd', '-4', 'eth0']],
  ])('%s', async (client, command) => {
    const box = await dhcpBox();
    try {
      await staysReachable(box, client, command);
    } finally {
      await box.down();
    }
  });
});

async function staysReachable(box: Box, client: string, command: readonly string[]): Promise<void> {
  await box.run(...command);
  const [had] = await addressesOf(box, 'eth0');
  const address = had?.local ?? '';
  const [before, clients] = [await box.snapshot(), await clientsOf(box)];
  const lab = await box.lab({ name: 'leased', bridges: { br0: { uplink: 'eth0' } } });
  // Provision late in the lease, so that what is left of it would not last.
  await sleep((LEASE / 3) * 1000);
  const pings = pinging(box, address);
  expect((await box.vmnet('provision', '--network-only', lab)).json.error).toBeNull();
  const than = await acknowledged(box);
  for (let seconds = 0; seconds < 2 * LEASE + 15; seconds += 5) {
    await sleep(5_000);
    expect(await addressesOf(box, 'eth0')).toEqual([]);
    expect((await addressesOf(box, 'br0')).map(({ local }) => local)).toEqual([address]);
  }
  const renewals = (await acknowledged(box)) - than;
  expect(await box.pingFromLan(address)).toBe(3);
  expect((await box.vmnet('destroy', 'leased')).json.error).toBeNull();
  const { sent, lost } = await pings.stop();
  expect((await clientsOf(box)).slice(0, 1)).toEqual(clients.slice(0, 1));
  expect(await acknowledgedAgain(box, await acknowledged(box), LEASE)).toBe(true);
  expect((await addressesOf(box, 'eth0')).map(({ local }) => local)).toEqual([address]);
  expect(await box.differenceFrom(before)).toEqual([]);
  console.log(
    `${client}: ${address} renewed ${renewals} times on br0 in ${2 * LEASE + 15} s; ${lost} of ${sent} pings lost`,
  );
  expect(renewals).toBeGreaterThanOrEqual(3);
  // A tenth of a second; one may be under way when they are stopped.
  expect(lost).toBeLessThanOrEqual(5);
}
