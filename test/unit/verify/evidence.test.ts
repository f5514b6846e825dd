import { describe, expect, test } from 'vitest';
import type { CapturedFrame } from '../../../src/drivers/pcap.js';
import type { Counts, Hook } from '../../../src/verify/counters.js';
import {
  evidenceOf,
  type Gathered,
  indexesOf,
  nothingSeen,
  receivedBetween,
} from '../../../src/verify/evidence.js';
import { arpReply, echoRequest } from '../../../src/verify/frames.js';
import { judgePath } from '../../../src/verify/path.js';
import { byPlace } from '../../../src/verify/sightings.js';
import { directScene } from '../../fakes/evidence.js';

const scene = await directScene(true);
const { target } = scene;
const { tap, nic } = target;
const LAN = '02:00:00:00:00:99';

/** Counters that say what they were asked: a number for each hook and key. */
const counts = (seen: Partial<Record<Hook, Record<string, number>>>): Counts => ({
  get: (hook, key) => seen[hook]?.[key] ?? 0,
  keys: hook => Object.keys(seen[hook] ?? {}),
});

const gathered = (change: Partial<Gathered>): Gathered => ({
  counts: counts({}),
  captured: null,
  isLossy: false,
  indexes: new Map([
    [tap, 7],
    ['eth0', 2],
  ]),
  received: new Map(),
  learned: new Map(),
  own: [],
  ours: [],
  stack: { of: () => ({ neighbours: [], conntrack: null, forwarded: 0 }) },
  lanMac: () => null,
  askedSize: () => null,
  way: () => null,
  late: () => false,
  addresses: () => [],
  heard: () => [],
  tried: () => [],
  ...change,
});

describe('of each hook, the element of this NIC alone is read', () => {
  const entry = `${tap} . ${nic.mac}`;
  const crossing = `eth0 . ${nic.mac}`;

  test('guest to LAN', () => {
    const seen = counts({
      bridge_prerouting: { [entry]: 1, [`other . ${nic.mac}`]: 99 },
      passed_prerouting: { [entry]: 2 },
      bridge_forward: { [nic.mac]: 3 },
      passed_forward: { [nic.mac]: 4 },
      passed_to_uplink: { [crossing]: 5, [`eth1 . ${nic.mac}`]: 99 },
      netdev_egress: { [nic.mac]: 6 },
      bridge_multicast: { [entry]: 7 },
      bridge_input: { [nic.mac]: 8 },
      bridge_arp: { [entry]: 9 },
      passed_arp: { [nic.mac]: 10 },
    });
    expect(evidenceOf(target, gathered({ counts: seen }))).toMatchObject({
      bridge: { name: 'br0', prerouting: 1, forward: 3, input: 8 },
      passed: { prerouting: 2, forward: 4, toUplink: 5 },
      uplink: { name: 'eth0', egress: 6, captured: null },
      families: { arp: { entered: 9, switched: 10 }, ip: { entered: 0, switched: 0 } },
      multicast: 7,
      inbound: null,
    });
  });

  test('LAN to guest, where it was asked from there', () => {
    const seen = counts({
      netdev_ingress: { [nic.mac]: 1 },
      bridge_from_uplink: { [crossing]: 2 },
      passed_to_tap: { [entry]: 3 },
      inet_to_guest: { [nic.mac]: 4 },
      inet_forward_to_guest: { [nic.mac]: 5 },
      toward_ip6: { [nic.mac]: 6 },
      reached_ip6: { [nic.mac]: 7 },
    });
    const all = gathered({ counts: seen, lanMac: () => LAN });
    expect(evidenceOf(target, all)).toMatchObject({
      inbound: {
        ingress: 1,
        prerouting: 2,
        toTap: 3,
        captured: null,
        hostStack: { prerouting: 4, forward: 5 },
      },
      toGuest: { ip6: { entered: 6, switched: 7 } },
    });
    expect(evidenceOf({ ...target, uplink: null }, all)).toMatchObject({ inbound: null, uplink: null });
  });

  test("the host's IP stack", () => {
    const seen = counts({
      inet_prerouting: { [nic.mac]: 1 },
      inet_forward: { [nic.mac]: 2 },
      inet_input: { [nic.mac]: 3 },
      arp_input: { [nic.mac]: 4 },
    });
    const asked: string[][] = [];
    const stack = {
      of: (addresses: readonly string[]) => {
        asked.push([...addresses]);
        return { neighbours: ['it'], conntrack: 5, forwarded: 6 };
      },
    };
    const named = { ...target, nic: { ...nic, addresses: ['192.0.2.10/24'] } };
    const all = gathered({ counts: seen, stack, addresses: () => ['fe80::1'] });
    expect(evidenceOf(named, all).hostStack).toEqual({
      prerouting: 1,
      forward: 2,
      input: 3,
      arp: 4,
      neighbours: ['it'],
      conntrack: 5,
      forwarded: 6,
    });
    expect(asked).toEqual([['192.0.2.10', 'fe80::1']]);
  });
});

test("strangers are other MACs at this tap, and this MAC elsewhere; nobody else's", () => {
  const bridge_strangers = {
    [`${tap} . 02:00:00:00:00:66`]: 2,
    [`eth0 . ${nic.mac}`]: 3,
    'other . 02:00:00:00:00:67': 4,
  };
  expect(evidenceOf(target, gathered({ counts: counts({ bridge_strangers }) })).strangers).toEqual([
    { port: tap, mac: '02:00:00:00:00:66', frames: 2 },
    { port: 'eth0', mac: nic.mac, frames: 3 },
  ]);
});

test('what was captured is told, by the indexes of the devices', () => {
  const guest = { mac: nic.mac, ip: '192.0.2.10' };
  const frame = (
    bytes: Uint8Array,
    ifindex: number,
    direction: 'in' | 'out',
    mac = nic.mac,
  ): CapturedFrame => ({
    timeUs: ifindex === 2 ? 20 : 10,
    ifindex,
    direction,
    mac,
    protocol: Buffer.from(bytes).readUInt16BE(12),
    data: bytes.subarray(14),
    length: bytes.length - 14,
  });
  const answer = arpReply(guest, { mac: LAN, ip: '192.0.2.1' });
  const question = echoRequest({ mac: LAN, ip: '192.0.2.1' }, guest, { id: 1, sequence: 1, size: 1500 });
  const captured = byPlace([
    frame(answer, 7, 'in'),
    frame(answer, 2, 'out'),
    frame(question, 7, 'out', LAN),
    frame(question, 2, 'out'),
  ]);
  const all = gathered({ captured, lanMac: () => LAN, askedSize: () => 1500 });
  expect(evidenceOf(target, all)).toMatchObject({
    uplink: { captured: 2 },
    inbound: { captured: 1 },
    fullSize: { bytes: 1500, left: 1 },
    first: { what: 'ARP reply', atUs: 10, left: { port: 'eth0', afterUs: 10 } },
  });
  expect(evidenceOf(target, { ...all, captured: null })).toMatchObject({
    uplink: { captured: null },
    inbound: { captured: null },
    fullSize: null,
    first: null,
  });
});

test('where frames were lost, what was not captured may have been there', () => {
  const all = gathered({ captured: () => [], lanMac: () => LAN, askedSize: () => 1400, ours: [LAN] });
  expect(evidenceOf(target, all)).toMatchObject({
    uplink: { captured: 0 },
    inbound: { captured: 0 },
    fullSize: { left: 0 },
    heard: false,
  });
  expect(evidenceOf(target, { ...all, isLossy: true })).toMatchObject({
    uplink: { captured: null },
    inbound: { captured: null },
    fullSize: null,
    heard: null,
  });
});

test('the port that the bridge has learned its MAC on', () => {
  const learned = new Map([
    [`br0 ${nic.mac}`, 'eth0'],
    [`br1 ${nic.mac}`, 'eth1'],
  ]);
  expect(evidenceOf(target, gathered({ learned })).fdb).toEqual({ mac: nic.mac, port: 'eth0' });
  expect(evidenceOf(target, gathered({})).fdb).toBeNull();
});

test('nothing seen is never direct', () => {
  for (const uplink of [null, 'eth0']) {
    const evidence = nothingSeen({ ...target, uplink });
    expect(judgePath({ ...scene, target: { ...target, uplink }, evidence })).toMatchObject({
      verdict: 'unproven',
      reason: 'guest-silent',
    });
  }
});

test('frames received are those between two looks', () => {
  const link = (ifname: string, packets: number) => ({ ifname, stats64: { rx: { packets, bytes: 9 } } });
  const received = receivedBetween(
    [link('a', 5), link('gone', 3)],
    [link('a', 9), link('new', 4), { ifname: 'odd' }],
  );
  expect(Object.fromEntries(received)).toEqual({ a: 4, new: 4, odd: 0 });
});

test('indexes by name', () => {
  expect(Object.fromEntries(indexesOf([{ ifname: 'a', ifindex: 3 }, {}]))).toEqual({ a: 3, '': 0 });
});
