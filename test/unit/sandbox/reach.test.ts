import { describe, expect, it } from 'vitest';
import { networkFor } from '../../../src/sandbox/network.js';
import { questionsOf } from '../../../src/sandbox/reach/pings.js';
import { routesBack, topologyOf } from '../../../src/sandbox/reach/topology.js';
import { labFrom } from '../../fakes/labs.js';

/** `FROM > WHO ADDRESS`, with a `!` before what must not be answered. */
function asked(content: object): string[] {
  const lab = labFrom({ version: 1, name: 'l', ...content });
  return questionsOf(topologyOf(lab, networkFor(lab))).questions.map(
    ({ from, who, address, answers }) => `${answers ? '' : '!'}${from} > ${who} ${address}`,
  );
}

const on = (bridge: string, ...address: string[]) => ({ nics: [{ bridge, address }] });
const probe = (bridge: string, address: string, more: object = {}) => ({
  boot: 'probe',
  nics: [{ bridge, address, ...more }],
});
const toHost = (questions: readonly string[]) => questions.filter(text => !text.includes('> the host'));

describe('who is asked from where', () => {
  it('on a bridge with an uplink: everybody, from the LAN and from namespaces', () => {
    const bridges = { br0: { uplink: 'eth0' } };
    const questions = asked({
      bridges,
      vms: { web: probe('br0', '192.0.2.50/24') },
      namespaces: { ns: on('br0', '192.0.2.60/24') },
    });
    expect(questions).toEqual([
      'the LAN > the host 192.0.2.2',
      'the LAN > the host fd00:db8::2',
      'the LAN > web 192.0.2.50',
      'the LAN > ns 192.0.2.60',
      'ns > the LAN 192.0.2.1',
      'ns > the host 192.0.2.2',
      'ns > web 192.0.2.50',
    ]);
  });

  it('on a bridge of its own: neighbours answer, and the LAN is kept out', () => {
    const namespaces = { a: on('br0', '10.0.0.1/24'), b: on('br0', '10.0.0.2/24', 'fe80::1/64') };
    expect(toHost(asked({ bridges: { br0: {} }, namespaces }))).toEqual([
      '!the LAN > a 10.0.0.1',
      '!the LAN > b 10.0.0.2',
      'a > b 10.0.0.2',
      'b > a 10.0.0.1',
    ]);
  });

  it('nobody in another subnet, without a way there', () => {
    const namespaces = { a: on('br0', '10.0.0.1/24'), b: on('br0', '10.0.1.2/24') };
    expect(asked({ bridges: { br0: {} }, namespaces }).filter(text => /^!?[ab] /.test(text))).toEqual([]);
  });

  const behind = (mode: string) => ({
    bridges: { br0: { mode, address: '10.0.0.1/24', dhcp: false } },
    namespaces: {
      a: { ...on('br0', '10.0.0.10/24'), routes: [{ to: 'default', via: '10.0.0.1' }] },
    },
  });

  it('behind the host: out, and in only where it is routed', () => {
    const out = ['a > the LAN 192.0.2.1'];
    expect(toHost(asked(behind('routed')))).toEqual(['the LAN > a 10.0.0.10', ...out]);
    expect(toHost(asked(behind('nat')))).toEqual(['!the LAN > a 10.0.0.10', ...out]);
    expect(toHost(asked(behind('isolated')))).toEqual(['!the LAN > a 10.0.0.10', '!a > the LAN 192.0.2.1']);
  });

  const twoNetworks = (vms: object) => ({
    bridges: { br0: {}, br1: {} },
    vms,
    namespaces: {
      a: { ...on('br0', '10.0.0.10/24'), routes: [{ to: '10.0.1.0/24', via: '10.0.0.1' }] },
      b: { ...on('br1', '10.0.1.10/24'), routes: [{ to: 'default', via: '10.0.1.1' }] },
    },
  });
  const nics = [
    { bridge: 'br0', address: '10.0.0.1/24' },
    { bridge: 'br1', address: '10.0.1.1/24' },
  ];

  it('through a router, there and back', () => {
    const questions = asked(twoNetworks({ r: { boot: { probe: { forward: true } }, nics } }));
    expect(questions).toContain('a > b 10.0.1.10');
    expect(questions).toContain('b > a 10.0.0.10');
    expect(questions).toContain('a > r 10.0.1.1');
  });

  it('not through a guest that does not forward', () => {
    const questions = asked(twoNetworks({ r: { boot: 'probe', nics } }));
    expect(questions).toContain('a > r 10.0.0.1');
    expect(questions.filter(text => /a > b|b > a/.test(text))).toEqual([]);
  });

  it('through a namespace that forwards, and along a chain of wires', () => {
    const ends = (a: string, b: string, net: string) => ({
      endpoints: [
        { namespace: a, name: `to-${b}`, address: `${net}.1/30` },
        { namespace: b, name: `to-${a}`, address: `${net}.2/30` },
      ],
    });
    const questions = asked({
      namespaces: {
        a: { routes: [{ to: 'default', via: '10.0.0.2' }] },
        r: { sysctls: { 'net.ipv4.ip_forward': 1 } },
        b: { routes: [{ to: 'default', via: '10.0.1.1' }] },
      },
      links: [ends('a', 'r', '10.0.0'), ends('r', 'b', '10.0.1')],
    });
    expect(questions).toEqual([
      'a > r 10.0.0.2',
      'a > r 10.0.1.1',
      'a > b 10.0.1.2',
      'r > a 10.0.0.1',
      'r > b 10.0.1.2',
      'b > a 10.0.0.1',
      'b > r 10.0.0.2',
      'b > r 10.0.1.1',
    ]);
  });

  it('ends where routes lead in a circle', () => {
    const namespaces = {
      a: { ...on('br0', '10.0.0.1/24'), routes: [{ to: 'default', via: '10.0.0.2' }], sysctls: FORWARD },
      b: { ...on('br0', '10.0.0.2/24'), routes: [{ to: 'default', via: '10.0.0.1' }], sysctls: FORWARD },
      c: on('br0', '10.9.9.9/24'),
    };
    expect(asked({ bridges: { br0: {} }, namespaces }).filter(text => text.includes('> c'))).toEqual([
      '!the LAN > c 10.9.9.9',
    ]);
  });

  it('some of very many, and says how many are left', () => {
    const namespaces = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`n${i}`, on('br0', `10.0.0.${i + 1}/24`)]),
    );
    const lab = labFrom({ version: 1, name: 'l', bridges: { br0: {} }, namespaces });
    const { questions, left } = questionsOf(topologyOf(lab, networkFor(lab)));
    expect(questions).toHaveLength(256);
    expect(left).toBe(30 * 29 + 30 + 2 - 256);
    expect(new Set(questions.map(({ from }) => from)).size).toBe(31);
  });
});

const FORWARD = { 'net.ipv4.ip_forward': 1 };

it('the LAN learns of each subnet behind the host once, and of none that it is in itself', () => {
  const lab = labFrom({
    version: 1,
    name: 'l',
    bridges: {
      br0: { uplink: 'eth0' },
      br1: { mode: 'routed', address: ['10.0.0.1/24', 'fd00:1::1/64'] },
      br2: {},
    },
    namespaces: { a: on('br1', '10.0.0.9/24'), b: on('br2', '192.0.2.9/24'), c: on('br2', '10.2.0.1/16') },
  });
  expect(routesBack(lab, networkFor(lab))).toEqual([
    { to: '10.0.0.0/24', via: '192.0.2.2' },
    { to: 'fd00:1::/64', via: 'fd00:db8::2' },
    { to: '10.2.0.0/16', via: '192.0.2.2' },
  ]);
});
