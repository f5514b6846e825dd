import { describe, expect, test } from 'vitest';
import { inherited } from '../../../src/plan/sysctls.js';
import { hostFrom } from '../../fakes/describe-host.js';

const host = async (sysctls: Record<string, string>, bridge = false) =>
  (
    await hostFrom({ links: { eth0: {}, ...(bridge ? { br0: { kind: 'bridge' } } : {}) }, sysctls })
  ).observe();

describe('a bridge inherits', () => {
  test('what differs from what a new one starts with, or from its own', async () => {
    const set = { 'net/ipv4/conf/eth0/rp_filter': '2', 'net/ipv6/conf/eth0/accept_ra': '2' };
    expect(inherited(await host(set), 'eth0', 'br0')).toEqual([
      { path: 'net/ipv4/conf/br0/rp_filter', value: '2', before: '0' },
      { path: 'net/ipv6/conf/br0/accept_ra', value: '2', before: '1' },
    ]);
    const same = { ...set, 'net/ipv4/conf/br0/rp_filter': '2', 'net/ipv6/conf/br0/accept_ra': '0' };
    expect(inherited(await host(same, true), 'eth0', 'br0')).toEqual([
      { path: 'net/ipv6/conf/br0/accept_ra', value: '2', before: '0' },
    ]);
  });

  test('nothing where nothing differs, and nothing of what is its own', async () => {
    expect(inherited(await host({}), 'eth0', 'br0')).toEqual([]);
    const own = {
      'net/ipv4/conf/eth0/disable_xfrm': '1',
      'net/ipv6/conf/eth0/addr_gen_mode': '3',
      'net/ipv6/conf/eth0/accept_dad': '2',
      'net/ipv6/conf/default/mtu': '1500',
      'net/ipv6/conf/eth0/mtu': '1400',
    };
    expect(inherited(await host(own), 'eth0', 'br0')).toEqual([]);
  });

  test('what only lo shows the default of', async () => {
    const neigh = { 'net/ipv4/neigh/lo/gc_stale_time': '60', 'net/ipv4/neigh/eth0/gc_stale_time': '17' };
    expect(inherited(await host(neigh), 'eth0', 'br0')).toEqual([
      { path: 'net/ipv4/neigh/br0/gc_stale_time', value: '17', before: '60' },
    ]);
  });
});
