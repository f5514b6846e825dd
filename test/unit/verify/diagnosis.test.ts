import { expect, test } from 'vitest';
import type { Filter, TcFilter } from '../../../src/host/filters.js';
import { culprits, NO_DIAGNOSIS, portFilters, suspects } from '../../../src/verify/diagnosis.js';

const filter = (change: Partial<Filter>): Filter => ({
  family: 'netdev',
  hook: 'ingress',
  devices: [],
  where: 'table t, chain c',
  drops: ['policy drop'],
  toDockerUser: false,
  ...change,
});
const TC: TcFilter = { device: 'eth0', side: 'ingress', text: 'u32 filter, pref 1' };
const only = (...filters: Filter[]) => ({ ...NO_DIAGNOSIS, filters });

test('culprits are those of the families and of the hook, with no more than two of their rules', () => {
  const several = only(
    filter({ family: 'ip', hook: 'forward', where: 'a', drops: ['1', '2', '3'] }),
    filter({ family: 'inet', hook: 'forward', where: 'b' }),
    filter({ family: 'bridge', hook: 'forward', where: 'c' }),
    filter({ family: 'ip', hook: 'input', where: 'd' }),
  );
  expect(culprits(several, ['ip', 'inet'], 'forward')).toBe('a (1; 2), b (policy drop)');
  expect(culprits(several, ['arp'], 'forward')).toBe('');
  expect(culprits(NO_DIAGNOSIS, ['ip'], 'forward')).toBe('');
});

test('what tables of labs drop is meant, so they are named only where nothing else drops', () => {
  const own = filter({ family: 'inet', hook: 'forward', where: 'nft inet table vmnet.home, chain forward' });
  const other = filter({ family: 'ip', hook: 'forward', where: 'nft ip table filter, chain FORWARD' });
  expect(suspects(only(own, other), ['ip', 'inet'], 'forward')).toEqual([other]);
  expect(suspects(only(own), ['ip', 'inet'], 'forward')).toEqual([own]);
});

test('of a port: its tc filters, then the chains on it, and those of which nft does not tell the device', () => {
  const name = (device: string, ...filters: Filter[]) =>
    portFilters({ ...NO_DIAGNOSIS, filters, tc: [TC] }, device, 'ingress');
  expect(name('eth0', filter({}))).toBe(
    'tc ingress of eth0: u32 filter, pref 1, table t, chain c (policy drop)',
  );
  expect(name('eth1', filter({ devices: ['eth0'] }))).toBe('');
  expect(name('eth1', filter({ devices: ['eth0', 'eth1'] }))).toBe('table t, chain c (policy drop)');
  expect(name('eth1', filter({ family: 'inet' }))).toBe('table t, chain c (policy drop)');
  expect(name('eth1', filter({ hook: 'egress' }))).toBe('');
  expect(portFilters({ ...NO_DIAGNOSIS, tc: [TC] }, 'eth0', 'egress')).toBe('');
});
