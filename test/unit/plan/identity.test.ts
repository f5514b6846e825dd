import { describe, expect, test } from 'vitest';
import type { HostState } from '../../../src/host/model.js';
import { afterMove, identityOf, moveIdentity, nothingOn, startAfresh } from '../../../src/plan/identity.js';
import { hostFrom } from '../../fakes/describe-host.js';

const addressesOf = (host: HostState, name: string) =>
  host.links.find(link => link.name === name)?.addresses.map(({ local }) => local);

const seen = async (addresses: string[], routes: string[] = []) =>
  (await hostFrom({ links: { eth0: { addresses }, br0: { kind: 'bridge' } }, routes })).observe();

describe('what goes with an interface', () => {
  const expiring = async (...addresses: string[]) =>
    identityOf(await seen(addresses), 'eth0').expiring.map(({ dst }) => dst);
  const LEFT = 'valid_lft 3600 preferred_lft 1800';

  test('are the prefix routes of IPv6 addresses that run out, each once', async () => {
    expect(await expiring('fd00:1::10/64')).toEqual([]);
    expect(await expiring(`fd00:1::50/64 ${LEFT}`)).toEqual(['fd00:1::/64']);
    expect(await expiring(`fd00:1::50/64 ${LEFT}`, `fd00:1::51/64 ${LEFT}`)).toEqual(['fd00:1::/64']);
    expect(await expiring('fd00:1::10/64', `fd00:1::50/64 ${LEFT}`)).toEqual(['fd00:1::/64']);
    expect(await expiring(`fd00:1::50/64 noprefixroute ${LEFT}`)).toEqual([]);
    expect(await expiring(`192.0.2.10/24 ${LEFT}`)).toEqual([]);
  });

  test('are not the routes that an address brings along, to a peer neither', async () => {
    const host = await seen([
      '192.0.2.10/24',
      '198.51.100.1 peer 198.51.100.2/32',
      'fd00:1::1 peer fd00:2::2/64',
    ]);
    expect(host.routes).toHaveLength(4);
    expect(identityOf(host, 'eth0').routes).toEqual([]);
  });

  test('is a route of the kernel that no address stands behind any more', async () => {
    const host = await seen([], ['-6 fd07::/64 dev eth0 proto kernel metric 256']);
    expect(moveIdentity(identityOf(host, 'eth0'), 'eth0', 'br0').arrive6).toEqual([
      'route del fd07::/64 dev eth0 table main proto kernel metric 256',
      'route append fd07::/64 dev br0 table main proto kernel metric 256',
    ]);
  });
});

describe('a move', () => {
  test('deletes the prefix route of what runs out before the address, whichever address goes last', async () => {
    const host = await seen(['fd00:1::50/64 valid_lft 3600 preferred_lft 1800', 'fd00:1::10/64']);
    const identity = identityOf(host, 'eth0');
    expect(moveIdentity(identity, 'eth0', 'br0').leave).toEqual([
      'route del fd00:1::/64 dev eth0 table main proto kernel metric 256',
      'address flush dev eth0',
    ]);
    expect(startAfresh(identity, 'eth0')).toEqual(['address flush dev eth0']);
  });

  test('of nothing has no lines', () => {
    expect(moveIdentity(nothingOn('eth0'), 'eth0', 'br0')).toEqual({
      first: [],
      leave: [],
      arrive: [],
      arrive6: [],
      late: [],
    });
    expect(startAfresh(nothingOn('eth0'), 'eth0')).toEqual([]);
  });

  test('adds routes that need no gateway first', async () => {
    const host = await seen(
      ['10.128.0.5/32'],
      ['10.128.0.1 dev eth0 scope link', 'default via 10.128.0.1 dev eth0'],
    );
    expect(host.routes.map(({ dst }) => dst)).toEqual(['default', '10.128.0.1']);
    const { arrive } = moveIdentity(identityOf(host, 'eth0'), 'eth0', 'br0');
    expect(arrive.map(line => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'address add 10.128.0.5/32',
      'route append 10.128.0.1',
      'route append default',
    ]);
  });
});

describe('the host after a move', () => {
  const twoUplinks = async () =>
    (
      await hostFrom({
        links: {
          eth0: { addresses: ['192.0.2.10/24', 'fd00:1::10/64'] },
          eth1: { addresses: ['203.0.113.10/24'] },
          br0: { kind: 'bridge' },
        },
        routes: [
          'default via 192.0.2.1 dev eth0',
          '10.0.0.0/8 nexthop via 192.0.2.1 dev eth0 nexthop via 203.0.113.1 dev eth1',
          '10.9.0.0/16 via 203.0.113.1 dev eth1',
        ],
        rules: [
          'from all iif eth0 oif eth1 pref 1 lookup 100',
          '-6 from all oif eth0 pref 2 lookup 100',
          'from all iif eth1 pref 3 lookup 100',
        ],
        neighbours: [
          '192.0.2.1 lladdr 02:00:00:00:00:aa dev eth0',
          '203.0.113.1 lladdr 02:00:00:00:00:bb dev eth1',
        ],
      })
    ).observe();

  test('has all that named the interface on the other, and the rest as it was', async () => {
    const host = await twoUplinks();
    const after = afterMove(host, 'eth0', 'br0');
    expect(['eth0', 'br0', 'eth1'].map(name => addressesOf(after, name))).toEqual([
      [],
      ['192.0.2.10', 'fd00:1::10'],
      ['203.0.113.10'],
    ]);
    const rename = (text: string) => text.replaceAll('"eth0"', '"br0"');
    for (const kind of ['routes', 'rules', 'neighbours'] as const)
      expect(after[kind]).toEqual(JSON.parse(rename(JSON.stringify(host[kind]))));
  });

  test('leaves the host that was seen alone, and a move back gives it again', async () => {
    const host = await twoUplinks();
    const copy = structuredClone(host);
    expect(afterMove(afterMove(host, 'eth0', 'br0'), 'br0', 'eth0')).toEqual(copy);
    expect(host).toEqual(copy);
  });

  test('has the second uplink name the first one by its bridge', async () => {
    const after = afterMove(await twoUplinks(), 'eth0', 'br0');
    const { arrive } = moveIdentity(identityOf(after, 'eth1'), 'eth1', 'br1');
    expect(arrive).toContain('rule add from all iif br0 oif br1 pref 1 lookup 100');
    expect(arrive.find(line => line.startsWith('route replace'))).toContain(
      'nexthop via 192.0.2.1 dev br0 weight 1 nexthop via 203.0.113.1 dev br1 weight 1',
    );
  });

  test('keeps what moves to a bridge that is not there yet off every other link', async () => {
    const after = afterMove(await twoUplinks(), 'eth0', 'br9');
    expect(after.links.flatMap(link => link.addresses.map(({ local }) => local))).toEqual(['203.0.113.10']);
    expect(after.routes.some(({ dev }) => dev === 'br9')).toBe(true);
  });
});
