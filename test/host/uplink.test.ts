import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// The network plane on the real kernel: an uplink with everything that a host may have on it.

let box: Box;
let before: Snapshot;

beforeEach(async () => {
  box = await Box.up();
});

afterEach(() => box?.down());

const network = (uplink = 'eth0', more: object = {}) => ({
  name: 'plane',
  bridges: { br0: { uplink, ...more } },
  vms: {
    a: { boot: 'probe', nics: [{ bridge: 'br0' }, { bridge: 'br0' }] },
    b: { boot: 'probe', nics: [{ bridge: 'br0', queues: 2 }] },
  },
});

/** Two cables more for the host: a second NIC beside the uplink. */
const secondNic = () =>
  box.run(
    'sh',
    '-c',
    'ip link add eth1 type veth peer name far1 && ip link set far1 addrgenmode none && ip link set far1 up && ip addr add 203.0.113.2/24 dev eth1 && ip link set eth1 addrgenmode none && ip link set eth1 up',
  );

async function dress(...commands: string[]): Promise<void> {
  for (const command of commands) await box.run('ip', ...command.split(' '));
}

async function roundTrip(file: string): Promise<void> {
  before = await box.snapshot();
  const up = await box.vmnet('provision', '--network-only', file);
  expect(up.json.error).toBeNull();
  expect((await box.vmnet('provision', '--network-only', file)).json.changed).toBe(0);
  const down = await box.vmnet('destroy', 'plane');
  expect(down.json.error).toBeNull();
  expect(await box.differenceFrom(before)).toEqual([]);
}

describe('an uplink goes and comes back as it was', () => {
  it('with addresses of every kind, in order', async () => {
    await dress(
      'address add 192.0.2.3/24 dev eth0',
      'address add 10.1.0.1/16 broadcast 10.1.255.255 dev eth0 label eth0:lab',
      'address add 10.2.0.1/24 dev eth0 metric 77',
      'address add 10.3.0.1 peer 10.3.0.2/32 dev eth0',
      'address add 10.4.0.1/24 dev eth0 noprefixroute',
      'address add 10.5.0.1/24 dev eth0 scope link',
      '-6 address add fd00:db8:1::1/64 dev eth0 nodad',
      '-6 address add fd00:db8:2::1/64 dev eth0 nodad',
      '-6 address add fd00:db8:3::1/128 dev eth0 nodad noprefixroute',
    );
    await roundTrip(await box.lab(network()));
  });

  it('with routes, rules and neighbours of every kind', async () => {
    await secondNic();
    await dress(
      'route add 10.10.0.0/16 via 192.0.2.7 table 100 proto static metric 5 mtu 1400',
      'route add 10.11.0.0/16 via 192.0.2.8 dev eth0 onlink',
      'route add 10.12.0.0/16 dev eth0 scope link src 192.0.2.2',
      'route add 10.13.0.0/16 nexthop via 192.0.2.3 weight 2 nexthop via 203.0.113.9 weight 1',
      'route add default via 203.0.113.1 metric 500',
      'route add blackhole 10.66.0.0/16',
      '-6 route add fd00:aaaa::/48 via fd00:db8::7 table 100',
      '-6 route add fd00:bbbb::/48 via fe80::99 dev eth0 metric 7',
      'rule add iif eth0 lookup 100 pref 70',
      'rule add oif eth0 to 10.20.0.0/16 lookup 100 pref 71',
      'rule add from 192.0.2.0/24 fwmark 0x5/0xff lookup 100 pref 72',
      '-6 rule add iif eth0 lookup 100 pref 73',
      'neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent',
    );
    await roundTrip(await box.lab(network()));
  });

  it('with route metrics of every kind, locked or not, and rules with all that a rule can have', async () => {
    await dress(
      'route add 10.1.0.0/16 via 192.0.2.7 mtu lock 1400 advmss 1360',
      'route add 10.2.0.0/16 via 192.0.2.7 features ecn initcwnd 20 quickack 1 rto_min 20ms rtt 2s',
      'route add 10.3.0.0/16 via 192.0.2.7 congctl reno realm 1/2',
      'route add 10.6.0.0/16 via 192.0.2.7 tos 0x10',
      '-6 route add fd01::/48 via fe80::9 dev eth0 expires 1000',
      '-6 route add fd03::/48 via fe80::9 dev eth0 hoplimit 9 mtu lock 1400',
      'rule add iif eth0 lookup 100 suppress_prefixlength 0 suppress_ifgroup 7 pref 11',
      'rule add iif eth0 goto 200 pref 12',
      'rule add iif eth0 realms 1/2 lookup 100 pref 14',
      'rule add iif eth0 tun_id 5 lookup 100 protocol static pref 15',
      'rule add iif eth0 ipproto tcp sport 10-20 dport 80 lookup 100 pref 18',
      'rule add not from 10.0.0.0/8 iif eth0 lookup 100 pref 19',
      'rule add iif eth0 uidrange 5-6 tos 0x10 unreachable pref 20',
      'rule add iif eth0 nop pref 21',
      'rule add iif eth0 l3mdev pref 22',
    );
    const text = () =>
      box.run('sh', '-c', 'ip -d route; ip -d -6 route | sed "s/expires [0-9]*sec//"; ip -d rule');
    const words = await text();
    await roundTrip(await box.lab(network()));
    expect((await text()).split('\n').sort()).toEqual(words.split('\n').sort());
  });

  it('with a route that cannot be added again: refused by its name', async () => {
    await dress('-6 route add fd02::/48 encap seg6 mode encap segs fd00::5 dev eth0');
    const answer = await box.vmnetAsIs('provision', '--network-only', await box.lab(network()));
    expect([answer.code, answer.json.error.code]).toEqual([1, 'conflict']);
    expect(answer.json.error.message).toContain('the route fd02::/48 in table main (encap seg6');
    expect(await box.run('ip', '-br', 'link')).not.toContain('br0');
  });

  it('with nexthop objects, groups of them, and the routes that use both', async () => {
    await secondNic();
    await dress(
      'nexthop add id 10 via 192.0.2.7 dev eth0 proto static',
      'nexthop add id 11 via 198.18.0.1 dev eth0 onlink',
      'nexthop add id 12 via 203.0.113.9 dev eth1',
      'nexthop add id 13 group 10,3/11/12,2',
      'nexthop add id 14 group 10/12 type resilient buckets 32 idle_timer 60',
      'nexthop add id 20 via fe80::7 dev eth0',
      'nexthop add id 21 via fd00:db8::7 dev eth0',
      '-6 nexthop add id 22 dev eth0',
      'nexthop add id 23 group 20/21',
      'route add 10.10.0.0/16 nhid 10 metric 5',
      'route add 10.11.0.0/16 nhid 13 table 100 mtu 1400',
      'route add 10.12.0.0/16 nhid 14 src 192.0.2.2',
      'route add 10.13.0.0/16 nhid 20',
      'route add 10.14.0.0/16 nhid 12',
      '-6 route add fd00:aaaa::/48 nhid 23 metric 7',
      '-6 route add default nhid 21 table 100',
      '-6 route add fd00:bbbb::/48 nhid 22',
    );
    await roundTrip(await box.lab(network()));
  });

  it('with sysctls of its own, which the bridge takes over', async () => {
    const wanted = {
      'ipv4/conf/eth0/rp_filter': '2',
      'ipv4/conf/eth0/arp_ignore': '1',
      'ipv4/conf/eth0/proxy_arp': '1',
      'ipv6/conf/eth0/accept_ra': '0',
      'ipv6/conf/eth0/use_tempaddr': '2',
      'ipv6/conf/eth0/accept_dad': '2',
      'ipv4/neigh/eth0/base_reachable_time_ms': '12000',
      'ipv6/neigh/eth0/gc_stale_time': '17',
    };
    const own = { 'ipv4/conf/eth0/disable_xfrm': '1' };
    for (const [path, value] of Object.entries({ ...wanted, ...own }))
      await box.run('sh', '-c', `echo ${value} > /proc/sys/net/${path}`);
    const file = await box.lab(network());
    before = await box.snapshot();
    expect((await box.vmnet('provision', '--network-only', file)).json.error).toBeNull();
    const read = async (path: string) =>
      (await box.run('cat', `/proc/sys/net/${path.replace('/eth0/', '/br0/')}`)).trim();
    for (const [path, value] of Object.entries(wanted))
      expect([path, await read(path)]).toEqual([path, value]);
    expect(await read('ipv4/conf/eth0/disable_xfrm')).toBe('0');
    expect((await box.vmnet('provision', '--network-only', file)).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'plane')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('without addresses, and down', async () => {
    await secondNic();
    await dress('address flush dev eth1', 'link set dev eth1 down');
    await roundTrip(await box.lab(network('eth1')));
  });

  it('promiscuous, with an MTU of its own, which bridge and taps take over', async () => {
    await dress(
      'link set dev eth0 mtu 1400',
      'link set dev eth0 promisc on',
      'link set dev eth0 allmulticast on',
    );
    const file = await box.lab(network());
    before = await box.snapshot();
    await box.vmnet('provision', '--network-only', file);
    const links = JSON.parse(await box.run('ip', '-j', 'link')) as {
      ifname: string;
      mtu: number;
      master?: string;
    }[];
    const ports = links.filter(link => link.master === 'br0' || link.ifname === 'br0');
    expect(ports.map(link => link.mtu)).toEqual(ports.map(() => 1400));
    await box.vmnet('destroy', 'plane');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('while the bridge has an address that the user added meanwhile: it is carried over', async () => {
    await box.vmnet('provision', '--network-only', await box.lab(network()));
    await dress('address add 10.9.0.1/24 dev br0', 'route add 10.90.0.0/16 via 10.9.0.2');
    expect((await box.vmnet('destroy', 'plane')).code).toBe(0);
    expect(await box.run('ip', '-4', '-o', 'address', 'show', 'dev', 'eth0')).toContain('10.9.0.1/24');
    expect(await box.run('ip', 'route')).toContain('10.90.0.0/16 via 10.9.0.2 dev eth0');
  });
});
