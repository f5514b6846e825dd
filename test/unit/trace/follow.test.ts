import { describe, expect, test } from 'vitest';
import type { CapturedFrame } from '../../../src/drivers/pcap.js';
import { contentKey, type Devices, makeFollower } from '../../../src/trace/follow.js';
import type { Flow, Guest } from '../../../src/trace/model.js';
import { arpReply, arpRequest, echoRequest } from '../../../src/verify/frames.js';
import { IPV4 } from '../../../src/verify/octets.js';
import { ipPacket } from './packets.js';

const GUEST = { mac: '52:54:00:00:00:01', ip: '192.0.2.50' };
const PEER = { mac: '02:00:00:00:00:09', ip: '192.0.2.1' };
const HOST = new Set(['192.0.2.2']);
const HOST_MAC = '02:00:00:00:00:aa';

const [TAP, BRIDGE, UPLINK, OTHER_TAP, OURS, VPN] = [1, 2, 3, 4, 5, 6];
const DEVICES: Devices = new Map([
  [TAP, { device: 'tap0', role: 'tap' }],
  [BRIDGE, { device: 'br0', role: 'bridge' }],
  [UPLINK, { device: 'eth0', role: 'uplink' }],
  [OTHER_TAP, { device: 'tap1', role: 'port' }],
  [OURS, { device: 'vmp000000000', role: 'ours' }],
  [VPN, { device: 'wg0', role: 'other' }],
]);

type Seen = readonly [ifindex: number | undefined, direction: 'in' | 'out', timeUs: number];

/** What a capture makes of an Ethernet frame. */
const at = (bytes: Uint8Array, [ifindex = 0, direction, timeUs]: Seen, mac?: string): CapturedFrame => ({
  timeUs,
  ifindex,
  direction,
  mac:
    mac ??
    Buffer.from(bytes.subarray(6, 12))
      .toString('hex')
      .replace(/..(?!$)/g, '$&:'),
  protocol: Buffer.from(bytes).readUInt16BE(12),
  data: bytes.subarray(14),
  length: bytes.length - 14,
});

function followerOf(known: readonly string[] = [], to: string | null = null) {
  const guest: Guest = {
    mac: GUEST.mac,
    tap: 'tap0',
    bridge: 'br0',
    uplink: 'eth0',
    addresses: new Set(known),
    host: HOST,
  };
  return makeFollower(guest, () => DEVICES, to);
}

function follow(frames: readonly CapturedFrame[], to: string | null = null, known = [GUEST.ip]): Flow[] {
  const follower = followerOf(known, to);
  for (const frame of frames) follower.push(frame);
  return follower.take(Number.POSITIVE_INFINITY);
}

/** `MOTION DEVICE TIME` of each hop. */
const told = ({ hops }: Flow) =>
  hops.map(({ motion, device, afterUs }) => `${motion} ${device} ${afterUs ?? '-'}`);

const request = echoRequest(PEER, GUEST, { id: 1, sequence: 7 });
const reply = arpReply(GUEST, PEER);

describe('a frame is followed', () => {
  test('out: from the tap through the bridge to the uplink', () => {
    const [flow, ...more] = follow([at(reply, [TAP, 'in', 100]), at(reply, [UPLINK, 'out', 130])]);
    expect(more).toEqual([]);
    expect(flow).toMatchObject({ way: 'guest → LAN', multicast: false, end: 'passed', atUs: 100 });
    expect(flow && told(flow)).toEqual(['in tap0 0', 'switched br0 -', 'out eth0 30']);
  });

  test('in: from the uplink to the tap, told by the address that it is for', () => {
    const [flow] = follow([at(request, [UPLINK, 'in', 5]), at(request, [TAP, 'out', 9])]);
    expect(flow).toMatchObject({ way: 'LAN → guest', end: 'passed' });
    expect(flow && told(flow)).toEqual(['in eth0 0', 'switched br0 -', 'out tap0 4']);
  });

  test('although others come in between', () => {
    const other = echoRequest(PEER, GUEST, { id: 1, sequence: 8 });
    const flows = follow([
      at(request, [UPLINK, 'in', 1]),
      at(other, [UPLINK, 'in', 2]),
      at(request, [TAP, 'out', 3]),
      at(other, [TAP, 'out', 6]),
    ]);
    expect(flows.map(told)).toEqual([
      ['in eth0 0', 'switched br0 -', 'out tap0 2'],
      ['in eth0 0', 'switched br0 -', 'out tap0 4'],
    ]);
  });

  test('once each time it is said: a device that has seen it begins again', () => {
    const flows = follow([
      at(reply, [TAP, 'in', 1]),
      at(reply, [UPLINK, 'out', 2]),
      at(reply, [TAP, 'in', 50]),
      at(reply, [UPLINK, 'out', 53]),
    ]);
    expect(flows.map(told)).toEqual([
      ['in tap0 0', 'switched br0 -', 'out eth0 1'],
      ['in tap0 0', 'switched br0 -', 'out eth0 3'],
    ]);
  });

  test('not to a sighting of long after', () => {
    const [flow] = follow([at(reply, [TAP, 'in', 1]), at(reply, [UPLINK, 'out', 900_000])]);
    expect(flow).toMatchObject({ end: 'stopped' });
  });

  test('up to the host, as every broadcast is', () => {
    const question = arpRequest(PEER, GUEST.ip);
    const [flow] = follow([
      at(question, [UPLINK, 'in', 1]),
      at(question, [TAP, 'out', 4]),
      at(question, [BRIDGE, 'in', 1]),
    ]);
    expect(flow).toMatchObject({ multicast: true, end: 'passed' });
    expect(flow && told(flow)).toEqual(['in eth0 0', 'switched br0 -', 'out tap0 3', 'up br0 -']);
  });

  test('up to the host and nowhere else: for it, or taken by it', () => {
    const mine = arpReply(GUEST, { mac: HOST_MAC, ip: '192.0.2.2' });
    const [own] = follow([at(mine, [TAP, 'in', 1]), at(mine, [BRIDGE, 'in', 1])]);
    expect(own).toMatchObject({ end: 'host', hops: [{ motion: 'in' }, { motion: 'up' }] });
    const [other] = follow([at(reply, [TAP, 'in', 1]), at(reply, [BRIDGE, 'in', 1])]);
    expect(other).toMatchObject({ end: 'taken' });
  });

  test('up to the host alone although it was for everybody: it stopped', () => {
    const question = arpRequest(GUEST, PEER.ip);
    const [flow] = follow([at(question, [TAP, 'in', 1]), at(question, [BRIDGE, 'in', 1])]);
    expect(flow).toMatchObject({ multicast: true, end: 'stopped' });
  });

  test('down from the host', () => {
    const [flow] = follow([at(request, [BRIDGE, 'out', 1]), at(request, [TAP, 'out', 2])]);
    expect(flow && told(flow)).toEqual(['down br0 0', 'out tap0 1']);
  });

  test('to where the host has routed it: the MAC is another, and the bridge is not said to have switched it', () => {
    const out = echoRequest(GUEST, PEER, { id: 2, sequence: 1 });
    const routed = out.slice();
    routed[14 + 8] = 63;
    routed[14 + 10] = 1;
    const [flow] = follow([
      at(out, [TAP, 'in', 1]),
      at(out, [BRIDGE, 'in', 1]),
      at(routed, [UPLINK, 'out', 9], HOST_MAC),
    ]);
    expect(flow?.end).toBe('routed');
    expect(flow?.hops).toMatchObject([
      { motion: 'in' },
      { motion: 'up' },
      { motion: 'out', changedMac: HOST_MAC },
    ]);
  });

  test('out of other ports and other devices too', () => {
    const [flow] = follow([
      at(reply, [TAP, 'in', 1]),
      at(reply, [OTHER_TAP, 'out', 2]),
      at(reply, [VPN, 'out', 3]),
    ]);
    expect(flow && told(flow)).toEqual(['in tap0 0', 'switched br0 -', 'out tap1 1', 'out wg0 2']);
  });
});

describe('left out', () => {
  test('is what we have said ourselves, and our port', () => {
    const answered = follow([
      at(request, [OURS, 'in', 1]),
      at(request, [TAP, 'out', 2]),
      at(reply, [TAP, 'in', 4]),
      at(reply, [OURS, 'out', 5]),
      at(reply, [UPLINK, 'out', 6]),
    ]);
    expect(answered.map(told)).toEqual([['in tap0 0', 'switched br0 -', 'out eth0 2']]);
  });

  test('but what we have sent in at the uplink begins there', () => {
    const [flow] = follow([
      at(request, [OURS, 'in', 1]),
      at(request, [UPLINK, 'in', 3]),
      at(request, [TAP, 'out', 7]),
    ]);
    expect(flow && told(flow)).toEqual(['in eth0 0', 'switched br0 -', 'out tap0 4']);
  });

  test('is what is for somebody else', () => {
    const elsewhere = echoRequest(PEER, { ...GUEST, ip: '192.0.2.51' }, { id: 1, sequence: 1 });
    expect(follow([at(elsewhere, [UPLINK, 'in', 1]), at(elsewhere, [TAP, 'out', 2])])).toEqual([]);
  });

  test('until the guest has said that this address is its own', () => {
    const asked = [at(request, [UPLINK, 'in', 5]), at(request, [TAP, 'out', 6])];
    expect(follow(asked, null, [])).toEqual([]);
    expect(follow([at(reply, [TAP, 'in', 1]), ...asked], null, [])).toHaveLength(2);
  });

  test('is what is not to or from the address that was named', () => {
    const frames = [at(reply, [TAP, 'in', 1]), at(request, [UPLINK, 'in', 5])];
    expect(follow(frames, PEER.ip)).toHaveLength(2);
    expect(follow(frames, '192.0.2.77')).toEqual([]);
  });
});

describe('the same content', () => {
  const key = (data: Uint8Array) => contentKey({ protocol: IPV4, data });
  const udp = (text: string, sum = 0) =>
    Buffer.concat([Buffer.from([0, 53, 0, 99, 0, 8 + text.length, sum, sum]), Buffer.from(text)]);
  const tcp = (text: string, sequence: number, flags = 0x10) => {
    const header = Buffer.alloc(20);
    header.writeUInt32BE(sequence, 4);
    header.writeUInt8(0x50, 12);
    header.writeUInt8(flags, 13);
    return Buffer.concat([header, Buffer.from(text)]);
  };

  test('is told through padding, a filled-in checksum, and a lower TTL', () => {
    const one = ipPacket(17, udp('hello'));
    const other = ipPacket(17, udp('hello', 7), { ttl: 63 });
    expect(key(Buffer.concat([other, Buffer.alloc(9)]))).toBe(key(one));
    expect(key(ipPacket(17, udp('hallo')))).not.toBe(key(one));
  });

  test('of TCP is its place in the stream: a device may cut a segment', () => {
    expect(key(ipPacket(6, tcp('part', 1)))).toBe(key(ipPacket(6, tcp('part and the rest', 1))));
    expect(key(ipPacket(6, tcp('part', 2)))).not.toBe(key(ipPacket(6, tcp('part', 1))));
    expect(key(ipPacket(6, tcp('', 1, 2)))).not.toBe(key(ipPacket(6, tcp('', 1))));
  });

  test('is found in whatever was cut', () => {
    for (let length = 0; length < 60; length++) {
      const packet = ipPacket(6, tcp('some text to be cut', 1)).subarray(0, length);
      for (const protocol of [IPV4, 0x86dd, 0x0806, 0x88cc])
        expect(contentKey({ protocol, data: packet })).toEqual(expect.any(String));
    }
  });
});

test('flows that may still go on wait for the next look', () => {
  const follower = followerOf();
  follower.push(at(reply, [TAP, 'in', 100]));
  expect(follower.take(100)).toEqual([]);
  follower.push(at(reply, [UPLINK, 'out', 120]));
  expect(follower.take(200)).toHaveLength(1);
  expect(follower.take(300)).toEqual([]);
});

test('a flood is counted, not kept', () => {
  const follower = followerOf();
  for (let i = 0; i < 6000; i++)
    follower.push(at(echoRequest(GUEST, PEER, { id: i, sequence: 1 }), [TAP, 'in', i]));
  expect([follower.lost(), follower.take(Number.POSITIVE_INFINITY).length]).toEqual([1000, 5000]);
});
