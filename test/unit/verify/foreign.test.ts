import { expect, test } from 'vitest';
import { targetsOfDomain } from '../../../src/verify/foreign.js';
import { hostFrom, type LinkDescription } from '../../fakes/describe-host.js';

const card = (n: number, target: string | null, type = 'bridge') =>
  `<interface type='${type}'><mac address='52:54:00:00:00:0${n}'/>${target ? `<target dev='${target}'/>` : ''}</interface>`;

const domain = (...cards: string[]) => `<domain><devices>${cards.join('')}</devices></domain>`;

const BRIDGE: LinkDescription = { kind: 'bridge' };
const TAP: LinkDescription = { kind: 'tun', master: 'br0' };

async function targets(xml: string, links: Record<string, LinkDescription>) {
  return targetsOfDomain('far', xml, (await hostFrom({ links })).observe());
}

test('tap, bridge and uplink are what libvirt and the kernel tell', async () => {
  const links = { br0: BRIDGE, eth0: { master: 'br0' }, vnet0: TAP };
  expect(await targets(domain(card(1, 'vnet0')), links)).toMatchObject([
    {
      nic: { vm: 'far', index: 0, mac: '52:54:00:00:00:01', addresses: [] },
      domain: 'far',
      tap: 'vnet0',
      bridge: 'br0',
      uplink: 'eth0',
    },
  ]);
});

test('each of several NICs, on its own bridge', async () => {
  const links = {
    br0: BRIDGE,
    br1: BRIDGE,
    eth1: { master: 'br1' },
    vnet0: TAP,
    vnet1: { ...TAP, master: 'br1' },
  };
  const found = await targets(domain(card(1, 'vnet0'), card(2, 'vnet1', 'network')), links);
  expect(found.map(({ nic, bridge, uplink }) => [nic.index, bridge, uplink])).toEqual([
    [0, 'br0', null],
    [1, 'br1', 'eth1'],
  ]);
});

test('the uplink is the port that leads out: hardware, then bonds, VLANs and cables; never a tap', async () => {
  const ports: [string, LinkDescription][] = [
    ['eth0', {}],
    ['bond0', { kind: 'bond' }],
    ['eth9.7', { kind: 'vlan' }],
    ['ve0', { kind: 'veth' }],
  ];
  for (const [i, [name]] of ports.entries()) {
    const there = Object.fromEntries(
      ports
        .slice(i)
        .reverse()
        .map(([port, link]) => [port, { ...link, master: 'br0' }]),
    );
    const [target] = await targets(domain(card(1, 'vnet0')), {
      br0: BRIDGE,
      vnet0: TAP,
      vnet9: TAP,
      ...there,
    });
    expect(target?.uplink).toBe(name);
  }
  const [lonely] = await targets(domain(card(1, 'vnet0')), { br0: BRIDGE, vnet0: TAP, vnet9: TAP });
  expect(lonely?.uplink).toBeNull();
});

test.each<[string, string, Record<string, LinkDescription>, RegExp]>([
  ['no network card', domain(), {}, /the domain far has no network card/],
  ['a macvtap', domain(card(1, 'macvtap0', 'direct')), {}, /NIC 0 of the domain far is a macvtap/],
  ['user networking', domain(card(1, null, 'user')), {}, /NIC 0 of the domain far \(user\) is no port/],
  ['a domain that does not run', domain(card(1, null)), { br0: BRIDGE }, /is no port of a bridge$/],
  ['a tap on no bridge', domain(card(1, 'vnet0')), { vnet0: { kind: 'tun' } }, /vnet0 stands alone/],
])('%s cannot be proven, and says so', async (_, xml, links, message) => {
  await expect(targets(xml, links)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/\w{3}/),
  });
});

test('a tap on a switch that is no Linux bridge cannot be proven, and says so', async () => {
  const host = (
    await hostFrom({ links: { 'ovs-system': BRIDGE, vnet0: { ...TAP, master: 'ovs-system' } } })
  ).observe();
  const links = host.links.map(link => (link.kind === 'bridge' ? { ...link, kind: 'openvswitch' } : link));
  expect(() => targetsOfDomain('far', domain(card(1, 'vnet0')), { ...host, links })).toThrow(
    /a port of ovs-system, which is no Linux bridge/,
  );
});
