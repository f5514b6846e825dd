import { afterEach, describe, expect, it } from 'vitest';
import type { Box } from '../support/box.js';
import {
  acknowledged,
  acknowledgedAgain,
  addressesOf,
  CLIENTS,
  clientsOf,
  dhcpBox,
  pinging,
} from '../support/dhcp.js';

// An uplink that has its address from a DHCP server: the client that renews it goes to the bridge and comes back.

let box: Box;

afterEach(() => box?.down());

const lab = () =>
  box.lab({
    name: 'leased',
    bridges: { br0: { uplink: 'eth0' } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  });

/** The server tells clients to renew every five seconds. */
const SOON = ['--dhcp-option=option:T1,5'];

/** udhcpc goes by half the lease, whatever the server says, but can be asked. */
async function renews(): Promise<boolean> {
  const than = await acknowledged(box);
  await box.attempt('host', 'sh', '-c', 'kill -USR1 $(pgrep -x "udhcpc|busybox")');
  return acknowledgedAgain(box, than, 12);
}

describe.each(Object.entries(CLIENTS))('%s', (_, command) => {
  it('renews on the bridge, and on the uplink again', async () => {
    box = await dhcpBox(SOON);
    await box.run(...command);
    const [had] = await addressesOf(box, 'eth0');
    await box.run('ip', 'address', 'add', '198.51.100.7/24', 'dev', 'eth0');
    const [before, clients] = [await box.snapshot(), await clientsOf(box)];
    const pings = pinging(box, had?.local ?? '');

    const up = await box.vmnet('provision', '--network-only', await lab());
    expect(up.json.error).toBeNull();
    expect((await addressesOf(box, 'br0')).map(({ local }) => local)).toEqual([had?.local, '198.51.100.7']);
    expect(await renews()).toBe(true);
    expect(await addressesOf(box, 'eth0')).toEqual([]);
    expect((await clientsOf(box)).filter(line => / eth0( |$)/.test(line))).toEqual([]);
    expect((await box.vmnet('provision', '--network-only', await lab())).json.changed).toBe(0);

    const down = await box.vmnet('destroy', 'leased');
    expect(down.json.error).toBeNull();
    const { sent, lost } = await pings.stop();
    console.log(`${command[0]}: ${lost} of ${sent} pings lost`);
    expect(await clientsOf(box)).toEqual(clients);
    expect(await renews()).toBe(true);
    expect(await box.differenceFrom(before)).toEqual([]);
    expect(sent).toBeGreaterThan(20);
    // A tenth of a second, on a busy machine; one may be under way when they are stopped.
    expect(lost).toBeLessThanOrEqual(5);
  });
});
