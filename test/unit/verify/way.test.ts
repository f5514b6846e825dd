import { describe, expect, test } from 'vitest';
import type { CapturedFrame } from '../../../src/drivers/pcap.js';
import { proofTable, proven } from '../../../src/verify/describe.js';
import { explain } from '../../../src/verify/explain.js';
import { echoRequest } from '../../../src/verify/frames.js';
import { judgePath } from '../../../src/verify/path.js';
import type { Target } from '../../../src/verify/targets.js';
import { captureOf } from '../../../src/verify/watch.js';
import { aimsOf } from '../../../src/verify/way/aims.js';
import { parseWay, wayScript } from '../../../src/verify/way/counters.js';
import { wayOf } from '../../../src/verify/way/evidence.js';
import { type ErrandPlan, type Outing, outingsFor } from '../../../src/verify/way/outings.js';
import { directScene, isolatedScene, routedScene } from '../../fakes/evidence.js';

const scene = await directScene(false);
const host = scene.host;
const NOWHERE = { host: '198.18.1.2', group: '239.255.1.2' };

const route = (dst: string, dev: string, more = {}) =>
  ({
    family: 4,
    type: 'unicast',
    dst,
    dev,
    gateway: null,
    nexthops: [],
    ...more,
  }) as unknown as (typeof host.routes)[number];

const withRoutes = (...routes: (typeof host.routes)[number][]) => ({ ...host, routes });

describe('errands go', () => {
  const LAN = route('192.0.2.0/24', 'eth0');
  const all = withRoutes(
    route('default', 'eth0', { gateway: '192.0.2.1' }),
    LAN,
    route('10.77.0.0/24', 'br0'),
  );

  test('to a gateway, for an address that is nobody’s', () => {
    expect(aimsOf('routed', 'br0', 4, all, NOWHERE)).toEqual({
      addresses: ['198.18.1.2'],
      routed: true,
      byGateway: true,
    });
  });

  test('to another network where there is no default route; to nowhere without any', () => {
    expect(aimsOf('routed', 'br0', 4, withRoutes(LAN), NOWHERE)).toMatchObject({
      addresses: ['192.0.2.1'],
      byGateway: false,
    });
    expect(aimsOf('routed', 'br0', 4, withRoutes(), NOWHERE)).toMatchObject({
      addresses: ['198.18.1.2'],
      routed: false,
    });
  });

  test('everywhere, to show that nothing gets out; never to what is within, on lo, or of the link alone', () => {
    const more = withRoutes(
      ...all.routes,
      route('10.9.0.0/31', 'tun0'),
      route('10.8.0.7', 'tun0'),
      route('127.0.0.0/8', 'lo'),
      route('203.0.113.0/24', 'eth0', { type: 'blackhole' }),
    );
    expect(aimsOf('isolated', 'br0', 4, more, NOWHERE).addresses).toEqual([
      '198.18.1.2',
      '239.255.1.2',
      '192.0.2.1',
      '10.9.0.1',
      '10.8.0.7',
    ]);
  });

  test('never to an address of the host’s own', () => {
    const links = host.links.map(link =>
      link.name === 'eth0'
        ? {
            ...link,
            addresses: [{ family: 4, local: '192.0.2.1', prefix: 24 }] as unknown as typeof link.addresses,
          }
        : link,
    );
    expect(aimsOf('routed', 'br0', 4, { ...withRoutes(LAN), links }, NOWHERE).addresses).toEqual([
      '192.0.2.2',
    ]);
  });
});

const meant = (mode: Target['mode'], intent: Target['intent']): Target => ({ ...scene.target, mode, intent });

describe('what is tried', () => {
  test('is nothing on a plain switch', () => expect(outingsFor([scene.target], host)).toEqual([]));

  test('is both families where nothing may get out, and those that the bridge has an address of where it should', () => {
    const families = (target: Target) =>
      outingsFor([target], host).map(({ errands }) => errands.map(({ family }) => family));
    expect(families(meant('isolated', 'isolated'))).toEqual([['ip', 'ip6']]);
    expect(families(meant('nat', 'routed'))).toEqual([[]]);
  });
});

const MAC = '02:00:00:00:00:11';
const plan: ErrandPlan = {
  family: 'ip',
  mac: MAC,
  aims: { addresses: ['198.18.1.2'], routed: true, byGateway: true },
  decides: true,
  asker: '198.18.9.9',
};

describe('of what was counted and captured', () => {
  const target = meant('nat', 'routed');
  const link = host.links.find(({ name }) => name === 'br0');
  const outing = {
    domain: 'br0',
    bridge: 'br0',
    intent: 'routed',
    targets: [target],
    link,
    errands: [plan],
  } as Outing;
  const { mac } = target.nic;
  const element = (packets: number, ...parts: string[]) => ({
    elem: { val: parts.length > 1 ? { concat: parts } : parts[0], counter: { packets, bytes: 1 } },
  });
  const set = (name: string, ...elem: object[]) => ({ set: { table: 't', name, elem } });
  const counts = parseWay('t', [
    set('host_entered', element(5, target.tap, mac), element(99, 'other', mac)),
    set('host_input', element(4, mac)),
    set('host_stack', element(3, mac)),
    set('outward', element(2, mac)),
    set(
      'gone',
      element(1, mac, 'eth0'),
      element(7, mac, 'br0'),
      element(6, MAC, 'eth0'),
      element(0, MAC, 'eth1'),
    ),
    set('errand_entered', element(9, MAC)),
    set('errand_stack', element(8, MAC)),
    set('errand_forward', element(7, MAC)),
    set(
      'left4',
      element(5, '198.18.1.2', 'eth0', '192.0.2.2'),
      element(99, '198.18.7.7', 'eth0', '192.0.2.2'),
    ),
    { set: { table: 'other', name: 'host_input', elem: [element(77, mac)] } },
  ]);
  const indexOf = (name: string) => host.links.find(it => it.name === name)?.index ?? 0;
  const echo = (
    sequence: number,
    at: number,
    ifindex: number,
    direction: 'in' | 'out',
    from: string,
  ): CapturedFrame => {
    const frame = echoRequest(
      { mac: from, ip: '10.77.0.253' },
      { mac, ip: '198.18.1.2' },
      { id: 1, sequence },
    );
    return {
      timeUs: at,
      ifindex,
      direction,
      mac: from,
      protocol: 0x0800,
      data: frame.subarray(14),
      length: 46,
    };
  };
  const frames = [
    echo(1, 100, 55, 'in', MAC),
    echo(1, 101, indexOf('br0'), 'out', MAC),
    echo(1, 900, indexOf('eth0'), 'out', '02:00:00:00:00:01'),
    echo(2, 1000, 55, 'in', MAC),
    echo(2, 1040, indexOf('eth0'), 'out', '02:00:00:00:00:01'),
    echo(3, 2000, 55, 'in', '02:00:00:00:00:22'),
    echo(3, 2007, indexOf(target.tap), 'out', '02:00:00:00:00:22'),
  ];
  const trail = {
    outings: [outing],
    counts,
    runner: { of: () => ({ plan, from: '10.77.0.253', answers: new Set(['192.0.2.1']) }) },
    frames,
    host,
    ours: new Set(['02:00:00:00:00:22']),
  };

  test('each NIC gets its own, without what stays on the bridge; the quickest frame tells the cost', () => {
    expect(wayOf(target, trail)).toEqual({
      toHost: { entered: 5, input: 4, stack: 3 },
      outward: 2,
      forwarded: [{ port: 'eth0', frames: 1 }],
      errands: [
        {
          family: 'ip',
          decides: true,
          from: '10.77.0.253',
          to: ['198.18.1.2'],
          entered: 9,
          stack: 8,
          forward: 7,
          passed: [{ port: 'eth0', frames: 6 }],
          left: [{ port: 'eth0', source: '192.0.2.2', frames: 5 }],
          captured: 2,
          answers: ['192.0.2.1'],
        },
      ],
      foreignPorts: [],
      cost: { routedUs: 40, switchedUs: 7 },
    });
  });

  test('without a capture there are no times; of a plain switch there is nothing', () => {
    expect(wayOf(target, { ...trail, frames: null })).toMatchObject({
      errands: [{ captured: null }],
      cost: { routedUs: null, switchedUs: null },
    });
    expect(wayOf(scene.target, trail)).toBeNull();
  });

  test('a port without our mark is foreign, a tap is not', () => {
    const links = host.links.map(it => (it.name === 'eth0' ? { ...it, master: 'br0' } : it));
    expect(wayOf(target, { ...trail, host: { ...host, links } })?.foreignPorts).toEqual([
      { port: 'eth0', frames: 0 },
    ]);
  });

  test('the capture keeps errands wherever they are seen', () => {
    const speakers = { own: [], lanMac: '02:00:00:00:00:99', ours: new Set<string>() };
    const errand = frames[2] as CapturedFrame;
    expect(captureOf([target], host, { ...speakers, aims: new Set(['198.18.1.2']) }).keep?.(errand)).toBe(
      true,
    );
    expect(captureOf([target], host, speakers).keep?.(errand)).toBe(false);
  });
});

test('the counters are one command a table, and drop only what we made, behind every other chain', () => {
  const script = wayScript('vmnet_proof_7_way', {
    bridges: ['br0'],
    own: ['02:00:00:00:00:b0'],
    guests: [{ tap: 'web-1', mac: '52:54:00:00:00:01' }],
    envoys: [MAC],
    sealed: [],
    aims: ['198.18.1.2', '2001:2:0:1::5'],
    askers: ['198.18.9.9'],
  });
  expect(script.split('\n').map(line => line.split(' ').slice(0, 4).join(' '))).toEqual([
    'add table bridge vmnet_proof_7_way',
    'add table inet vmnet_proof_7_way',
  ]);
  expect([...script.matchAll(/[^;{]* drop;/g)].map(([rule]) => rule.trim())).toEqual([
    'ether saddr @sealed drop;',
    'ip daddr @askers4 drop;',
    'ip6 daddr @askers6 drop;',
  ]);
  expect(script).toMatch(/hook forward priority 400;[^}]*update @gone[^}]*}/);
  expect(script).toContain('set sealed { typeof ether saddr;');
});

describe('it is told', () => {
  test('with whose frames, and at which cost', async () => {
    const text = explain([judgePath(await routedScene('nat'))]);
    expect(text).toContain("Guest → host, with the guest's own frames: 5 for the host reached br0");
    expect(text).toContain('with frames of ours as a guest would send them, from 10.77.0.253 to 198.18.1.2');
    expect(text).toContain('3 toward eth0, translated to 192.0.2.2; 3 were captured leaving');
    expect(text).toMatch(
      /40 µs and 5 netfilter hooks .* beside 20 µs and 3 for a frame that is switched to web-/,
    );
    expect(explain([judgePath(await routedScene('routed'))])).toContain(
      '3 toward eth0, from the same address',
    );
  });

  test('of an isolated one, that nothing left', async () => {
    const text = explain([judgePath(await isolatedScene())]);
    expect(text).toContain('past every chain of it: none');
    expect(text).toContain("Every port of br0 is the lab's, or a tap.");
  });

  test('in the table, and in one line for all that is meant', async () => {
    const checks = [judgePath(await routedScene('nat')), judgePath(await isolatedScene())];
    expect(proofTable(checks)).toMatch(/eth0 3 +40 µs .* routed/);
    expect(proofTable(checks)).toMatch(/- +- .* isolated/);
    expect(proven(checks)).toBe('1 of 1 NICs routed, 1 of 1 NICs isolated');
    expect(proven([])).toBe('0 of 0 NICs direct');
  });
});
