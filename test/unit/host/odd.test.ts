import { describe, expect, test } from 'vitest';
import { withMetrics } from '../../../src/host/metrics.js';
import { parseNexthops } from '../../../src/host/nexthops.js';
import { parseRoute, parseRule } from '../../../src/host/routes.js';

// JSON and text as iproute2 6.1 prints them.

describe('a nexthop object', () => {
  const all = [
    { id: 10, gateway: '192.0.2.1', dev: 'eth0', scope: 'link', protocol: 'static', flags: ['onlink'] },
    { id: 20, gateway: 'fe80::1', dev: 'eth0', scope: 'link', protocol: 'unspec', flags: [] },
    { id: 12, group: [{ id: 10, weight: 3 }, { id: 20 }], scope: 'global', protocol: 'unspec', flags: [] },
    {
      id: 15,
      group: [{ id: 10 }],
      type: 'resilient',
      resilient_args: { buckets: 32, idle_timer: 60, unbalanced_timer: 0, unbalanced_time: 5 },
      scope: 'global',
      protocol: 'unspec',
      flags: [],
    },
    { id: 16, encap: 'mpls', dst: '100', dev: 'eth0', flags: [] },
  ];

  test('has its family, from what ip -6 shows, and a group that of its members', () => {
    const found = parseNexthops(all, [{ id: 20 }]);
    expect(found.map(({ id, family }) => [id, family])).toEqual([
      [10, 4],
      [20, 6],
      [12, 6],
      [15, 4],
      [16, 4],
    ]);
    expect(found[2]?.group).toEqual([
      { id: 10, weight: 3 },
      { id: 20, weight: 1 },
    ]);
    expect(found[3]?.options.join(' ')).toBe('type resilient buckets 32 idle_timer 60 unbalanced_timer 0');
    expect(found.map(({ odd }) => odd)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      ['encap mpls', 'dst 100'],
    ]);
  });
});

describe('a route', () => {
  test('tells what vmnet cannot add again', () => {
    const route = { type: 'unicast', dst: 'fd02::/48', encap: 'seg6', mode: 'encap', dev: 'eth0', flags: [] };
    expect(parseRoute(route, 6)?.odd).toEqual(['encap seg6', 'mode encap']);
    expect(parseRoute({ dst: '10.0.0.0/8', nexthops: [{ dev: 'eth0', flow: {} }] }, 4)?.odd).toEqual([
      'its nexthops',
    ]);
    expect(parseRoute({ dst: '10.0.0.0/8', dev: 'eth0', flags: ['linkdown'] }, 4)?.odd).toBeUndefined();
  });

  test('has metrics in the words of its text, where JSON is not exact', () => {
    const json = { type: 'unicast', dst: '10.1.0.0/16', gateway: '192.0.2.1', dev: 'eth0', table: '100' };
    const route = parseRoute({ ...json, metrics: [{ mtu: 1400, rtt: 2, ecn: null, rto_min: 20 }] }, 4);
    if (!route) throw new Error('no route');
    const text =
      'unicast 10.1.0.0/16 via 192.0.2.1 dev eth0 table 100 proto boot scope global mtu lock 1400 rtt 2s features ecn rto_min lock 20ms ';
    expect(withMetrics([route], text)[0]?.metrics).toEqual([
      ['mtu', 'lock 1400'],
      ['rtt', '2s'],
      ['features', 'ecn'],
      ['rto_min', '20ms'],
    ]);
    expect(withMetrics([route], '')[0]?.metrics[0]).toEqual(['mtu', 1400]);
  });
});

test.each([
  [
    { table: 'main', suppress_prefixlen: 0, suppress_ifgroup: '7' },
    'lookup main suppress_prefixlength 0 suppress_ifgroup 7',
  ],
  [{ goto: 200, unresolved: null }, 'goto 200'],
  [{ table: '100', flow_from: '1', flow_to: '2' }, 'lookup 100 realms 1/2'],
  [{ l3mdev: null }, 'l3mdev'],
  [{ nop: null }, 'nop'],
  [{ action: 'blackhole' }, 'blackhole'],
])('a rule may end in %o', (json, action) => {
  const rule = parseRule({ priority: 9, src: 'all', iif: 'eth0', ...json, protocol: 'unspec' }, 4);
  expect([rule.action.join(' '), rule.odd]).toEqual([action, undefined]);
});

test('a rule tells what vmnet cannot add again', () =>
  expect(parseRule({ priority: 22, src: 'all', table: 'main', masquerade: null }, 4).odd).toEqual([
    'masquerade',
  ]));
