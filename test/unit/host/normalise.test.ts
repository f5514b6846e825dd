import { expect, test } from 'vitest';
import { difference, normalise } from '../../../src/host/normalise.js';
import { hostFrom } from '../../fakes/describe-host.js';

const HOST = {
  links: { eth0: { addresses: ['192.0.2.10/24', 'fd00::10/64'] }, eth1: {} },
  routes: ['default via 192.0.2.1 dev eth0'],
  rules: ['from all iif eth0 pref 100 lookup 100'],
  neighbours: ['192.0.2.1 lladdr 02:00:00:00:00:aa dev eth0'],
  domains: [{ name: 'web', uuid: 'u-1', state: 'running' }],
};

const seen = async () => (await hostFrom(HOST)).observe();

test('a host is as it was', async () => expect(difference(await seen(), await seen())).toEqual([]));

test('every kind of thing has its line', async () => {
  const kinds = new Set(normalise(await seen()).map(line => line.split(' ')[0]));
  expect(kinds).toEqual(
    new Set(['link', 'address', 'IPv4', 'IPv6', 'rule', 'neighbour', 'sysctl', 'domain']),
  );
});

test('what moves by itself is left out', async () => {
  const host = await seen();
  const later = {
    ...host,
    links: host.links.map(link => ({
      ...link,
      index: link.index + 7,
      operState: 'LOWERLAYERDOWN',
      portState: 'disabled',
      addresses: link.addresses.map(address => ({ ...address, validLifetime: 7, preferredLifetime: 5 })),
    })),
    routes: host.routes.toReversed(),
    records: [],
  };
  expect(difference(host, later)).toEqual([]);
});

test.each([
  ['mtu', 'link set dev eth0 mtu 9000', /changed: link eth0 \(mtu 1500 → 9000\)/],
  ['up', 'link set dev eth1 down', /changed: link eth1 \(up true → false\)/],
  [
    'a label',
    'address add 192.0.2.11/24 dev eth0 label eth0:1',
    /left over: address 192\.0\.2\.11\/24 on eth0/,
  ],
  [
    'a route',
    'route append 10.0.0.0/8 via 192.0.2.1 dev eth0',
    /left over: IPv4 route 10\.0\.0\.0\/8 via 192\.0\.2\.1 dev eth0 in table main/,
  ],
  ['a rule', 'rule add from all pref 7 lookup 7', /rule 7/],
  ['an altname', 'link property add dev eth0 altname other', /altnames \[\] → \["other"\]/],
  [
    'a generation mode',
    'link set dev eth0 addrgenmode none',
    /changed: sysctl net\.ipv6\.conf\.eth0\.addr_gen_mode \(value 0 → 1\)/,
  ],
])('%s is seen', async (_, line, expected) => {
  const changed = (await hostFrom({ ...HOST, since: [line] })).observe();
  expect(difference(await seen(), changed).join('\n')).toMatch(expected);
});

test('the order of addresses is seen, since source addresses follow from it', async () => {
  const both = (...addresses: string[]) => hostFrom({ links: { eth0: { addresses } } });
  const [one, two] = [await both('10.0.0.1/24', '10.0.1.1/24'), await both('10.0.1.1/24', '10.0.0.1/24')];
  expect(difference(one.observe(), two.observe())).not.toEqual([]);
});

test('says on which side a difference is', async () => {
  const host = await seen();
  const without = { ...host, neighbours: [], libvirt: { uri: '', domains: [] } };
  expect(difference(host, without)).toEqual(['missing: neighbour 192.0.2.1 on eth0', 'missing: domain web']);
  expect(difference(without, host).every(line => line.startsWith('left over: '))).toBe(true);
});
