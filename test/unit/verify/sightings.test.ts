import { describe, expect, test } from 'vitest';
import type { CapturedFrame } from '../../../src/drivers/pcap.js';
import {
  advertisement,
  arpReply,
  arpRequest,
  echoRequest,
  solicitation,
} from '../../../src/verify/frames.js';
import { byPlace, leftAtSize, sightingsOf } from '../../../src/verify/sightings.js';
import type { Target } from '../../../src/verify/targets.js';
import { directScene } from '../../fakes/evidence.js';

const { target } = await directScene(true);
const TAP = 7;
const UPLINK = 2;
const BRIDGE = '02:00:00:00:00:01';
const LAN = '02:00:00:00:00:99';
const devices = { tap: TAP, uplink: UPLINK, host: [BRIDGE] };

const guest = { mac: target.nic.mac, ip: '192.0.2.10' };
const guest6 = { mac: target.nic.mac, ip: 'fd00::10' };
const peer = { mac: '02:00:00:00:00:77', ip: '192.0.2.254' };
const peer6 = { mac: '02:00:00:00:00:77', ip: 'fd00::fe' };

/** As a cooked capture shows an Ethernet frame: without its MACs, and no more than 256 bytes of it. */
function caught(
  bytes: Uint8Array,
  ifindex: number,
  direction: 'in' | 'out',
  timeUs: number,
  change: Partial<CapturedFrame> = {},
): CapturedFrame {
  const frame = Buffer.from(bytes);
  return {
    timeUs,
    ifindex,
    direction,
    mac: frame.toString('hex', 6, 12).replace(/..(?!$)/g, '$&:'),
    protocol: frame.readUInt16BE(12),
    data: new Uint8Array(frame.subarray(14, 14 + 236)),
    length: frame.length - 14,
    ...change,
  };
}

/** What a guest answers: the same message with the type of a reply, whose checksum nobody here looks at. */
function echoReply(asked: string, sequence = 1, size?: number): Uint8Array {
  const bytes = echoRequest(guest, { ...peer, mac: asked }, { id: 9, sequence, ...(size ? { size } : {}) });
  bytes[14 + 20] = 0;
  return bytes;
}

const look = (frames: readonly CapturedFrame[], lanMac: string | null = LAN, of: Target = target) =>
  sightingsOf(of, devices, byPlace(frames), lanMac);

const passed = (bytes: Uint8Array, at: number, afterUs: number) => [
  caught(bytes, TAP, 'in', at),
  caught(bytes, UPLINK, 'out', at + afterUs),
];

test('frames by place: device, direction and source', () => {
  const frame = caught(arpReply(guest, peer), TAP, 'in', 1);
  const captured = byPlace([frame, { ...frame, timeUs: 2 }, { ...frame, mac: null }]);
  expect(captured(TAP, 'in', guest.mac).map(({ timeUs }) => timeUs)).toEqual([1, 2]);
  expect(captured(TAP, 'out', guest.mac)).toEqual([]);
  expect(captured(UPLINK, 'in', guest.mac)).toEqual([]);
  expect(captured(undefined, 'in', guest.mac)).toEqual([]);
});

describe('the first frame', () => {
  test('is the first that is seen at both ends, with the time between', () => {
    const lost = caught(arpReply(guest, peer), TAP, 'in', 10);
    const { first, atUplink } = look([lost, ...passed(echoReply(guest.mac), 100, 23)]);
    expect(first).toEqual({
      what: 'ICMP echo reply',
      length: 46,
      atUs: 100,
      left: { port: 'eth0', afterUs: 23 },
    });
    expect(atUplink).toBe(1);
  });

  test('is compared byte for byte, and by its length on the wire', () => {
    const [entered, left] = passed(echoReply(guest.mac), 100, 23);
    if (!entered || !left) throw new Error('no frames');
    const other = Uint8Array.from(left.data, (byte, i) => (i === left.data.length - 1 ? byte ^ 1 : byte));
    const alone = { what: 'ICMP echo reply', length: 46, atUs: 100, left: null };
    expect(look([entered, { ...left, data: other }]).first).toEqual(alone);
    expect(look([entered, { ...left, length: 47 }]).first).toEqual(alone);
    expect(look([entered, { ...left, protocol: 0x86dd }]).first).toEqual(alone);
  });

  test('does not leave before it came', () => {
    const again = echoReply(guest.mac);
    const { first } = look([caught(again, UPLINK, 'out', 90), ...passed(again, 100, 5)]);
    expect(first?.left).toEqual({ port: 'eth0', afterUs: 5 });
    expect(look([caught(again, UPLINK, 'out', 90), caught(again, TAP, 'in', 100)]).first?.left).toBeNull();
  });

  test('may never have left, or never have come', () => {
    expect(look([caught(arpReply(guest, peer), TAP, 'in', 10)])).toMatchObject({
      atUplink: 0,
      first: { what: 'ARP reply', left: null },
    });
    expect(look([])).toEqual({ atUplink: 0, atTap: 0, first: null, rerouted: null });
  });

  test.each<[string, Uint8Array]>([
    ['ARP reply', arpReply(guest, peer)],
    ['ICMP echo reply', echoReply(guest.mac)],
    ['IPv4 packet', echoRequest(guest, peer, { id: 1, sequence: 1 })],
    ['neighbour advertisement', advertisement(guest6, peer6)],
    ['IPv6 packet', echoRequest(guest6, peer6, { id: 1, sequence: 1 })],
  ])('is called: %s', (what, bytes) => {
    expect(look([caught(bytes, TAP, 'in', 1)]).first?.what).toBe(what);
  });

  test('is soon found among many that did not leave', () => {
    const many = Array.from({ length: 9000 }, (_, i) => echoReply(guest.mac, i));
    const entered = many.map((bytes, i) => caught(bytes, TAP, 'in', i));
    const left = many.map((_, i) => caught(echoReply(guest.mac, 20_000 + i), UPLINK, 'out', i));
    // Each compared with each would outlast the test.
    expect(look([...entered, ...left]).first?.left).toBeNull();
  });
});

describe('what is no unicast of the guest', () => {
  test.each<[string, Uint8Array]>([
    ['an ARP request', arpRequest(guest, peer.ip)],
    ['a solicitation of a group', solicitation(guest6, peer6.ip)],
    ['IPv4 to all', echoRequest(guest, { ...peer, ip: '255.255.255.255' }, { id: 1, sequence: 1 })],
    ['IPv4 multicast', echoRequest(guest, { ...peer, ip: '224.0.0.251' }, { id: 1, sequence: 1 })],
    ['IPv6 to all nodes', echoRequest(guest6, { ...peer6, ip: 'ff02::1' }, { id: 1, sequence: 1 })],
  ])('does not count: %s', (_, bytes) => {
    expect(look(passed(bytes, 1, 1))).toMatchObject({ atUplink: 0, first: null });
  });

  test.each<[string, Partial<CapturedFrame>]>([
    ['of an unknown protocol', { protocol: 0x88cc }],
    ['cut short', { data: new Uint8Array(3) }],
    ['empty', { data: new Uint8Array(0) }],
    ['without a MAC', { mac: null }],
  ])('nor a frame %s', (_, change) => {
    for (const bytes of [arpReply(guest, peer), echoReply(guest.mac), advertisement(guest6, peer6)])
      expect(look([caught(bytes, UPLINK, 'out', 1, change)]).atUplink).toBe(0);
  });

  test("nor another guest's", () => {
    expect(look(passed(arpReply({ ...guest, mac: peer.mac }, peer), 1, 1)).atUplink).toBe(0);
  });
});

describe('from the LAN', () => {
  const from = { mac: LAN, ip: '192.0.2.253' };
  const from6 = { mac: LAN, ip: 'fe80::99' };
  const ask = (to: string) => echoRequest(from, { ...guest, mac: to }, { id: 1, sequence: 1 });

  test('echo requests to this guest count, in either family', () => {
    const frames = [ask(guest.mac), echoRequest(from6, guest6, { id: 1, sequence: 2 })];
    expect(look(frames.map((bytes, i) => caught(bytes, TAP, 'out', i))).atTap).toBe(2);
  });

  test('those to others that are flooded to its tap do not', () => {
    expect(look([caught(ask(peer.mac), TAP, 'out', 1)]).atTap).toBe(0);
  });

  test('nothing counts that came from elsewhere, at another place, or was not sent by us', () => {
    expect(look([caught(ask(guest.mac), TAP, 'out', 1)], null).atTap).toBe(0);
    expect(look([caught(ask(guest.mac), TAP, 'out', 1)], peer.mac).atTap).toBe(0);
    expect(look([caught(ask(guest.mac), TAP, 'in', 1)]).atTap).toBe(0);
    expect(look([caught(ask(guest.mac), UPLINK, 'in', 1)]).atTap).toBe(0);
  });
});

describe('an answer that left with the MAC of the host', () => {
  const came = caught(echoReply(guest.mac), TAP, 'in', 1);
  const left = { ...came, ifindex: UPLINK, direction: 'out' as const, mac: BRIDGE, timeUs: 2 };
  const from = (frame: CapturedFrame, last: number) => ({
    ...frame,
    data: Uint8Array.from(frame.data, (byte, i) => (i === 15 ? last : i === 8 ? byte - 1 : byte)),
  });

  test('was routed; with another source, translated', () => {
    expect(look([came, from(left, 10)]).rerouted).toEqual({ mac: BRIDGE, translated: false });
    expect(look([came, from(left, 1)]).rerouted).toEqual({ mac: BRIDGE, translated: true });
  });

  test('is no other than the one that came in through the tap', () => {
    const another = caught(echoReply(guest.mac, 2), UPLINK, 'out', 2, { mac: BRIDGE });
    const foreign = caught(echoReply(peer.mac), UPLINK, 'out', 2, { mac: BRIDGE });
    expect(look([came, another, foreign]).rerouted).toBeNull();
    expect(look([left]).rerouted).toBeNull();
    expect(look([came, { ...left, mac: peer.mac }]).rerouted).toBeNull();
    expect(look([caught(echoReply(peer.mac), TAP, 'in', 1), foreign]).rerouted).toBeNull();
  });

  test('is no question: the host may well ask the guest itself', () => {
    const question = caught(echoRequest(guest, guest, { id: 9, sequence: 1 }), TAP, 'in', 1);
    const asked = { ...question, ifindex: UPLINK, direction: 'out' as const, mac: BRIDGE };
    expect(look([question, asked]).rerouted).toBeNull();
  });
});

test('answers of full size are counted by what was on the wire, not by what was kept of it', () => {
  const full = caught(echoReply(guest.mac, 1, 1500), UPLINK, 'out', 1);
  expect(full.data.length).toBeLessThan(full.length);
  const small = caught(echoReply(guest.mac, 2), UPLINK, 'out', 1);
  const all = caught(
    echoRequest(guest, { ...peer, ip: '255.255.255.255' }, { id: 1, sequence: 1, size: 1500 }),
    UPLINK,
    'out',
    1,
  );
  const captured = byPlace([full, small, all, { ...full, mac: peer.mac }, { ...full, ifindex: TAP }]);
  expect(leftAtSize(target, UPLINK, captured, 1500)).toBe(1);
  expect(leftAtSize(target, UPLINK, captured, 1501)).toBe(0);
  expect(leftAtSize(target, undefined, captured, 1500)).toBe(0);
});
