import { describe, expect, test } from 'vitest';
import { describeFlow, describeStack } from '../../../src/trace/describe.js';
import { hookScript } from '../../../src/trace/hooks.js';
import type { Flow, Hop, StackCounts, Traced } from '../../../src/trace/model.js';
import { filterFor } from '../../../src/trace/trace.js';
import { isMulticast, wordsOf } from '../../../src/trace/words.js';
import {
  advertisement,
  arpProbe,
  arpReply,
  arpRequest,
  echoRequest,
  solicitation,
} from '../../../src/verify/frames.js';
import { IPV4 } from '../../../src/verify/octets.js';
import { ipPacket } from './packets.js';

const GUEST = { mac: '52:54:00:00:00:01', ip: '192.0.2.50' };
const PEER = { mac: '02:00:00:00:00:09', ip: '192.0.2.1' };
const GUEST6 = { mac: GUEST.mac, ip: 'fd00:db8::50' };
const PEER6 = { mac: PEER.mac, ip: 'fd00:db8::1' };

const cooked = (bytes: Uint8Array) => ({
  protocol: Buffer.from(bytes).readUInt16BE(12),
  data: bytes.subarray(14),
});
const four = (protocol: number, body: readonly number[]) => ({
  protocol: IPV4,
  data: ipPacket(protocol, Buffer.from(body)),
});
const tcp = (flags: number) =>
  four(6, [0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);

describe('a frame in words', () => {
  test.each([
    [cooked(arpRequest(PEER, GUEST.ip)), 'ARP who has 192.0.2.50? asks 192.0.2.1', true],
    [cooked(arpProbe(PEER.mac, GUEST.ip)), 'ARP who has 192.0.2.50? asks 0.0.0.0', true],
    [cooked(arpReply(GUEST, PEER)), 'ARP 192.0.2.50 is at 52:54:00:00:00:01', false],
    [
      cooked(echoRequest(PEER, GUEST, { id: 1, sequence: 7 })),
      'ICMP echo request 192.0.2.1 → 192.0.2.50, seq 7',
      false,
    ],
    [
      cooked(echoRequest(PEER6, GUEST6, { id: 1, sequence: 7 })),
      'ICMPv6 echo request fd00:db8::1 → fd00:db8::50, seq 7',
      false,
    ],
    [cooked(solicitation(PEER6, GUEST6.ip)), 'neighbour solicitation for fd00:db8::50', true],
    [cooked(advertisement(GUEST6, PEER6)), 'neighbour advertisement of fd00:db8::50', false],
    [tcp(0x02), 'TCP SYN 192.0.2.50:40000 → 192.0.2.1:80', false],
    [tcp(0x12), 'TCP SYN+ACK 192.0.2.50:40000 → 192.0.2.1:80', false],
    [tcp(0x08), 'TCP 192.0.2.50:40000 → 192.0.2.1:80', false],
    [four(17, [0, 53, 0, 99, 0, 8, 0, 0]), 'UDP 192.0.2.50:53 → 192.0.2.1:99', false],
    [four(1, [3, 1, 0, 0]), 'ICMP type 3 192.0.2.50 → 192.0.2.1', false],
    [four(47, [0, 0]), 'IPv4 protocol 47 192.0.2.50 → 192.0.2.1', false],
    [four(6, []), 'IPv4 protocol 6 192.0.2.50 → 192.0.2.1', false],
    [{ protocol: 0x88cc, data: Buffer.from('evil \u001b[31m') }, 'EtherType 0x88cc', true],
  ])('%# %s', (frame, words, multicast) => {
    expect([wordsOf(frame), isMulticast(frame)]).toEqual([words, multicast]);
  });
});

const hop = (device: string, role: Hop['role'], motion: Hop['motion'], afterUs: number | null): Hop => ({
  device,
  role,
  motion,
  afterUs,
  changedMac: null,
});

const flow: Flow = {
  atUs: 1,
  way: 'guest → LAN',
  what: 'TCP SYN a → b',
  multicast: false,
  hops: [
    hop('tap0', 'tap', 'in', 0),
    hop('br0', 'bridge', 'switched', null),
    hop('enp3s0', 'uplink', 'out', 31),
  ],
  end: 'passed',
};

describe('a flow', () => {
  test('is a line a hop', () => {
    expect(describeFlow(flow, 3)).toBe(
      [
        '3  guest → LAN  TCP SYN a → b',
        '     in        tap0         0 µs  tap',
        '     switched  br0                bridge: from port to port',
        '     out       enp3s0      31 µs  uplink',
      ].join('\n'),
    );
  });

  test('that ended is said to have', () => {
    expect(describeFlow({ ...flow, hops: flow.hops.slice(0, 1), end: 'stopped' }, 1)).toMatch(
      /\n {5}stopped: .*vmnet verify/,
    );
  });

  test('to many ports names a few', () => {
    const ports = Array.from({ length: 40 }, (_, i) => hop(`tap${i}`, 'port', 'out', i));
    const text = describeFlow({ ...flow, hops: [...flow.hops, ...ports] }, 1);
    expect(text.split('\n')).toHaveLength(4 + 2 + 1);
    expect(text).toContain('38 other ports');
  });

  test('that was routed names the new MAC', () => {
    const routed = { ...hop('eth0', 'uplink', 'out', 9), changedMac: PEER.mac };
    expect(describeFlow({ ...flow, hops: [routed] }, 1)).toContain(`now from ${PEER.mac}`);
  });
});

const NONE: StackCounts = {
  bridgeForward: 4,
  bridgeInput: 0,
  prerouting: 0,
  forward: 0,
  input: 0,
  arp: 0,
  toGuest: { prerouting: 0, forward: 0 },
};
const ON = [{ name: 'net.bridge.bridge-nf-call-iptables=1', fix: 'sysctl -w X=0' }];
const said = (more: Partial<Traced>) =>
  describeStack({ flows: [flow], stack: NONE, switches: [], asked: [], lost: 0, ...more }, 'br0');

describe('the stack', () => {
  test('did not see it, and why', () => {
    expect(said({})).toMatch(
      /bridge input 0, inet prerouting 0.*\nIt did not: br0 switched 4 .*br_netfilter is off/,
    );
  });

  test('did not see it, but may see others', () => {
    expect(said({ switches: ON })).toMatch(/It did not, but br_netfilter is on .*iptables=1.*sysctl -w X=0/);
  });

  test('saw it by br_netfilter, either way', () => {
    expect(said({ stack: { ...NONE, forward: 1 }, switches: ON })).toMatch(
      /It did go up: br_netfilter .*iptables=1/,
    );
    expect(said({ stack: { ...NONE, toGuest: { prerouting: 1, forward: 0 } }, switches: ON })).toMatch(
      /It did go up/,
    );
  });

  test('took a frame, whatever the hooks count', () => {
    expect(said({ flows: [flow, { ...flow, end: 'routed' }] })).toMatch(
      /It did go up: the host took 1 of the 2/,
    );
  });

  test('did not see it, since nothing moved', () => {
    expect(said({ stack: { ...NONE, bridgeForward: 0 } })).toMatch(/It did not; nor did br0 switch/);
  });

  test('says nothing of a guest that was not heard, so that is said', () => {
    expect(said({})).not.toContain('None of these');
    expect(said({ flows: [{ ...flow, way: 'LAN → guest' }] })).toMatch(
      /\nNone of these frames came from the guest/,
    );
  });

  test('saw it by something else', () => {
    expect(said({ stack: { ...NONE, bridgeInput: 2 } })).toMatch(
      /It did go up, although br_netfilter is off/,
    );
  });
});

describe('what is looked at', () => {
  test('is what can be filtered by address, or everything', () => {
    expect(filterFor(['192.0.2.50', 'fd00:db8::50'], null)).toMatch(
      /^arp or icmp or icmp6 .* or host 192\.0\.2\.50 or host fd00:db8::50$/,
    );
    expect(filterFor([], null)).toBe('arp or ip or ip6');
    expect(filterFor(['192.0.2.50'], '192.0.2.1')).toBe('arp or icmp6 or host 192.0.2.1');
  });

  test('is counted in one command a table, each of which dies with its owner', () => {
    const lines = hookScript('t', GUEST.mac, ['02:00:00:00:00:aa'], null).split('\n');
    expect(lines.map(line => line.split(' ').slice(0, 7).join(' '))).toEqual([
      'add table bridge t { flags owner;',
      'add table inet t { flags owner;',
      'add table arp t { flags owner;',
    ]);
  });

  test('is the other end alone where it is named', () => {
    const [bridge, inet, arp] = hookScript('t', GUEST.mac, [], PEER.ip).split('\n');
    expect(bridge).toMatch(/ip daddr 192\.0\.2\.1 .*arp daddr ip 192\.0\.2\.1 /);
    expect(inet).toMatch(/ip daddr 192\.0\.2\.1 ether .*ip saddr 192\.0\.2\.1 ether/s);
    expect(arp).toContain('arp daddr ip 192.0.2.1 ');
    const [, , none] = hookScript('t', GUEST.mac, [], PEER6.ip).split('\n');
    expect(none).not.toContain('@arp_input');
  });
});
