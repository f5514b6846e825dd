import { afterEach, describe, expect, it } from 'vitest';
import type { Box } from '../support/box.js';
import { acknowledged, acknowledgedAgain, addressesOf, clientsOf, dhcpBox } from '../support/dhcp.js';

// A lease whose client cannot follow it to the bridge: nothing is changed, or everything is undone.

let box: Box;

afterEach(() => box?.down());

const lab = () => box.lab({ name: 'leased', bridges: { br0: { uplink: 'eth0' } } });

const deafServer = () => box.lan('sh', '-c', 'kill $(cat /var/lib/misc/pid)');

describe('a DHCP server that has gone', () => {
  it.each([
    ['dhclient', ['dhclient', 'eth0']],
    ['udhcpc', ['udhcpc', '-i', 'eth0', '-R', '-p', '/run/udhcpc.eth0.pid']],
    ['dhcpcd', ['dhcpcd', '-4', 'eth0']],
  ])('%s gets no lease on the bridge, and is put back', async (client, command) => {
    box = await dhcpBox();
    await box.run(...command);
    const [had] = await addressesOf(box, 'eth0');
    const [before, clients] = [await box.snapshot(), await clientsOf(box)];
    await deafServer();
    const refused = await box.vmnet('provision', '--network-only', await lab());
    expect(refused.code).toBe(1);
    expect(refused.json.error).toMatchObject({ code: 'timeout', message: `${client} got no lease on br0` });
    expect(refused.json.error.hint).toContain('Everything was undone');
    expect(await box.differenceFrom(before)).toEqual([]);
    expect((await clientsOf(box)).slice(0, 1)).toEqual(clients.slice(0, 1));
    expect((await addressesOf(box, 'eth0')).map(({ local }) => local)).toEqual([had?.local]);
  });
});

describe('a client that cannot be moved', () => {
  it('dhcpcd for all interfaces: provision refuses and says why', async () => {
    box = await dhcpBox();
    await box.run('sh', '-c', 'dhcpcd --nodev -4 -w');
    const before = await box.snapshot();
    const refused = await box.vmnetAsIs('provision', '--network-only', await lab());
    expect([refused.code, refused.json.error.code]).toEqual([1, 'conflict']);
    expect(refused.json.error.message).toContain('dhcpcd looks after several interfaces at once');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('a process of somebody else who calls it dhclient is not taken for one', async () => {
    box = await dhcpBox();
    await box.run('dhclient', '-1', 'eth0');
    await box.run('sh', '-c', 'kill -9 $(cat /run/dhclient.pid)');
    // A shell of that name, whose script is called like the interface.
    await box.run(
      'sh',
      '-c',
      'mkdir /run/own && cd /run/own && cp /bin/sh dhclient && echo "sleep 60; :" > eth0 && setpriv --reuid=65534 --clear-groups ./dhclient eth0 > /dev/null 2>&1 < /dev/null & sleep 0.3',
    );
    expect(await clientsOf(box)).toContain('./dhclient eth0');
    const refused = await box.vmnetAsIs('provision', '--network-only', await lab());
    expect(refused.json.error.message).toContain('no DHCP client was found');
  });
});

describe('a client that ends on the bridge', () => {
  it('is started there again by the next provision', async () => {
    box = await dhcpBox();
    await box.run('dhclient', 'eth0');
    expect((await box.vmnet('provision', '--network-only', await lab())).json.error).toBeNull();
    await box.run('sh', '-c', 'kill -9 $(cat /run/dhclient.br0.pid)');
    const than = await acknowledged(box);
    const again = await box.vmnet('provision', '--network-only', await lab());
    expect(again.json.steps.map(({ title }: { title: string }) => title)).toEqual([
      'start dhclient on br0 again',
    ]);
    expect(await acknowledgedAgain(box, than, 1)).toBe(true);
    expect((await box.vmnet('destroy', 'leased')).code).toBe(0);
    expect(await clientsOf(box)).toEqual(['dhclient eth0']);
  });
});
