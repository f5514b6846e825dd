import { describe, expect, test } from 'vitest';
import { advertisedOn, isFromMac, keptByKernel, standIns } from '../../../src/plan/advertised.js';
import { hostFrom } from '../../fakes/describe-host.js';

const MAC = '02:00:00:00:00:01';
const FROM_MAC = 'fd00:a::ff:fe00:1/64 valid_lft 600 preferred_lft 600';

async function kept(
  address: string,
  sysctls: Record<string, string> = {},
  more: object = {},
): Promise<boolean> {
  const conf = Object.entries(sysctls).map(([key, value]) => [`net/ipv6/conf/eth0/${key}`, value]);
  const host = await hostFrom({
    links: { eth0: { mac: MAC, addresses: [address] } },
    sysctls: Object.fromEntries(conf),
  });
  const uplink = host.observe().links.find(({ name }) => name === 'eth0');
  const [found] = uplink?.addresses ?? [];
  if (!uplink || !found) throw new Error('no address');
  return keptByKernel({ ...found, ...more }, uplink, host.observe());
}

describe('an address with a lifetime is kept by the kernel itself', () => {
  test.each([
    ['made from the MAC', FROM_MAC, {}, {}, true],
    ['where iproute2 tells who made it', FROM_MAC, {}, { protocol: 'kernel_ra' }, true],
    ['on a router that accepts advertisements', FROM_MAC, { forwarding: '1', accept_ra: '2' }, {}, true],
    [
      'a temporary one, which is made anew',
      'fd00:a::77/64 valid_lft 9 preferred_lft 9',
      {},
      { temporary: true },
      true,
    ],
    ['not made from the MAC', 'fd00:a::77/64 valid_lft 600 preferred_lft 600', {}, {}, false],
    ['not of IPv4', '192.0.2.10/24 valid_lft 600 preferred_lft 600', {}, {}, false],
    ['not made by a program', FROM_MAC, {}, { protocol: 'dhcp' }, false],
    ['not where a program keeps the routes', `${FROM_MAC} noprefixroute`, {}, {}, false],
    ['not where advertisements are refused', FROM_MAC, { accept_ra: '0' }, {}, false],
    ['not on a router', FROM_MAC, { forwarding: '1' }, {}, false],
    ['not where addresses are no matter of advertisements', FROM_MAC, { autoconf: '0' }, {}, false],
  ])('%s', async (_, address, sysctls, more, expected) =>
    expect(await kept(address, sysctls as Record<string, string>, more)).toBe(expected),
  );
});

test('an address is from a MAC by its last 64 bits', async () => {
  const host = (await hostFrom({ links: { eth0: { addresses: ['fd00::ff:fe00:1/64'] } } })).observe();
  const address = host.links.flatMap(link => link.addresses)[0];
  expect(address && isFromMac(address, MAC)).toBe(true);
  expect(address && isFromMac(address, '02:00:00:00:00:02')).toBe(false);
});

describe('default routes from routers', () => {
  const routers = async (...routes: string[]) =>
    advertisedOn((await hostFrom({ links: { eth0: {} }, routes })).observe(), 'eth0');

  test('are those that run out; each has a stand-in of a metric of its own', async () => {
    const found = await routers(
      '-6 default via fe80::9 dev eth0 proto ra metric 1024 expires 600',
      '-6 default via fe80::a dev eth0 proto ra metric 1024 expires 600',
      '-6 default via fe80::b dev eth0 proto ra metric 1028',
      '-6 default via fe80::c dev eth0 proto static metric 1027 expires 600',
      '-6 default via fe80::d dev eth0 proto ra metric 100 expires 600',
    );
    expect(standIns(found, 'br0').map(({ gateway, metric, dev }) => [gateway, metric, dev])).toEqual([
      ['fe80::9', 1025, 'br0'],
      ['fe80::a', 1026, 'br0'],
    ]);
  });

  test('count once, with what stands in', async () => {
    const found = await routers(
      '-6 default via fe80::9 dev eth0 proto ra metric 1024 expires 600',
      '-6 default via fe80::9 dev eth0 proto ra metric 1025 expires 400',
    );
    expect(found).toMatchObject([{ gateway: 'fe80::9', metric: 1024 }]);
    expect(standIns(found, 'br0')).toHaveLength(1);
  });
});
