import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/lab/cidr.js';
import {
  ALL_NODES,
  advertisement,
  arpProbe,
  arpReply,
  arpRequest,
  checksum,
  echoRequest,
  solicitation,
  solicitedNode,
} from '../../../src/verify/frames.js';
import { claims, type Frame, parseFrame, parsePacket } from '../../../src/verify/packets.js';

const REAL = new Map(
  readFileSync(new URL('../../fixtures/verify/frames.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(' '))
    .map(([name = '', hex = '']) => [name, Buffer.from(hex, 'hex')] as const),
);

const frame = (bytes: Uint8Array): Frame => {
  const parsed = parseFrame(bytes);
  if (parsed === null) throw new Error('no frame');
  return parsed;
};
const real = (name: string) => frame(REAL.get(name) ?? Buffer.alloc(0));

const ONE = '02:00:00:00:00:01';
const TWO = '02:00:00:00:00:02';
const one = { mac: ONE, ip: '192.0.2.1' };
const two = { mac: TWO, ip: '192.0.2.2' };
const one6 = { mac: ONE, ip: 'fd00:db8::1' };
const two6 = { mac: TWO, ip: 'fe80::ff:fe00:2' };

describe('frames of real hosts', () => {
  test.each([
    ['arp-request', { kind: 'arp', reply: false, sender: two, target: '192.0.2.1' }],
    ['arp-reply', { kind: 'arp', reply: true, sender: one, target: '192.0.2.2' }],
    ['echo-request', { kind: 'echo', family: 4, reply: false, size: 84, id: 0x3e9, sequence: 1 }],
    ['echo-reply', { kind: 'echo', family: 4, reply: true, source: '192.0.2.1', destination: '192.0.2.2' }],
    ['echo-request-6', { kind: 'echo', family: 6, reply: false, size: 104, id: 0x3ea, sequence: 1 }],
    ['echo-reply-6', { kind: 'echo', family: 6, reply: true, source: 'fd00:db8::1' }],
    ['solicitation', { kind: 'neighbour', advertisement: false, target: 'fd00:db8::1', mac: TWO }],
    ['advertisement', { kind: 'neighbour', advertisement: true, target: 'fd00:db8::1', mac: ONE }],
    ['duplicate-detection', { kind: 'neighbour', source: '::', target: 'fd00:db8::2', mac: null }],
    ['router-solicitation', { kind: 'ip', family: 6, protocol: 58, source: 'fe80::ff:fe00:2' }],
    ['dhcp-discover', { kind: 'dhcp', reply: false, client: TWO, address: '192.0.2.77' }],
  ])('%s', (name, packet) => expect(real(name).packet).toMatchObject(packet));

  test.each([
    ['arp-request', [{ ...two, by: 'arp' }]],
    ['arp-reply', [{ ...one, by: 'arp' }]],
    ['echo-reply', [{ ...one, by: 'source' }]],
    ['solicitation', [{ ...two6, by: 'nd' }]],
    ['advertisement', [{ ...one6, by: 'nd' }]],
    ['duplicate-detection', [{ mac: TWO, ip: 'fd00:db8::2', by: 'nd' }]],
    ['router-solicitation', [{ ...two6, by: 'source' }]],
    ['dhcp-discover', [{ mac: TWO, ip: '192.0.2.77', by: 'dhcp' }]],
  ])('%s tells who has which address', (name, claimed) => expect(claims(real(name))).toEqual(claimed));

  test('cut anywhere, they parse to something', () => {
    for (const bytes of REAL.values())
      for (let length = 0; length < bytes.length; length++) {
        const parsed = parseFrame(bytes.subarray(0, length));
        expect(parsed === null).toBe(length < 14);
        if (parsed) claims(parsed);
      }
  });

  test('a probe of nobody claims nothing', () =>
    expect(claims(frame(arpProbe(ONE, '192.0.2.9')))).toEqual([]));
});

describe('frames of our own', () => {
  test('are those that Linux makes', () => {
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const same = (made: Uint8Array, name: string) =>
      expect(hex(made).replace(/(00)+$/, '')).toBe(hex(REAL.get(name) ?? made).replace(/(00)+$/, ''));
    same(arpRequest(two, '192.0.2.1'), 'arp-request');
    same(arpReply(one, two), 'arp-reply');
    same(solicitation(two6, 'fd00:db8::1'), 'solicitation');
  });

  test('an advertisement answers the solicitation', () =>
    expect(frame(advertisement(one6, two6))).toEqual({
      source: ONE,
      destination: TWO,
      packet: {
        kind: 'neighbour',
        family: 6,
        source: one6.ip,
        destination: two6.ip,
        size: 72,
        advertisement: true,
        target: one6.ip,
        mac: ONE,
      },
    }));

  test('solicited-node groups', () =>
    expect(solicitedNode('fe80::5054:ff:fe12:3456')).toBe('ff02::1:ff12:3456'));

  test('an echo to all nodes', () =>
    expect(frame(echoRequest(two6, ALL_NODES, { id: 1, sequence: 2 }))).toMatchObject({
      destination: '33:33:00:00:00:01',
      packet: { kind: 'echo', destination: 'ff02::1', id: 1, sequence: 2 },
    }));

  test('an echo forbids fragments, and has the size that was asked for', () => {
    const bytes = echoRequest(one, two, { id: 7, sequence: 1, size: 1500 });
    expect([bytes.length, bytes[20]]).toEqual([1514, 0x40]);
    expect(frame(bytes).packet).toMatchObject({ size: 1500 });
    expect(echoRequest(one6, two6, { id: 7, sequence: 1, size: 9000 }).length).toBe(9014);
  });
});

const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map(bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(':'));
const four = fc.bigInt(0n, 2n ** 32n - 1n).map(value => formatIp(4, value));
const six = fc.bigInt(0n, 2n ** 128n - 1n).map(value => formatIp(6, value));
const host = (ip: typeof four) => fc.record({ mac, ip });
const u16 = fc.integer({ min: 0, max: 0xffff });
const pair = fc.oneof(fc.tuple(host(four), host(four)), fc.tuple(host(six), host(six)));

describe('for any addresses', () => {
  test('ARP comes back as it was built', () =>
    fc.assert(
      fc.property(host(four), host(four), (from, to) => {
        const asked = { kind: 'arp', reply: false, sender: from, target: to.ip };
        expect(frame(arpRequest(from, to.ip, to.mac))).toEqual({
          source: from.mac,
          destination: to.mac,
          packet: asked,
        });
        expect(frame(arpReply(from, to)).packet).toEqual({ ...asked, reply: true });
      }),
    ));

  test('echoes come back as they were built, with checksums that hold', () =>
    fc.assert(
      fc.property(pair, u16, u16, fc.integer({ min: 48, max: 9000 }), ([from, to], id, sequence, size) => {
        const bytes = echoRequest(from, to, { id, sequence, size });
        expect(frame(bytes)).toMatchObject({
          source: from.mac,
          destination: to.mac,
          packet: { kind: 'echo', reply: false, source: from.ip, destination: to.ip, id, sequence, size },
        });
        const packet = bytes.subarray(14, 14 + size);
        if (from.ip.includes(':')) expect(checksum(withPseudoHeader(packet))).toBe(0);
        else expect([checksum(packet.subarray(0, 20)), checksum(packet.subarray(20))]).toEqual([0, 0]);
      }),
    ));

  test('solicitations come back as they were built', () =>
    fc.assert(
      fc.property(host(six), six, (from, target) => {
        const bytes = solicitation(from, target);
        expect(frame(bytes).packet).toMatchObject({
          source: from.ip,
          target,
          mac: from.mac,
          destination: solicitedNode(target),
        });
        expect(checksum(withPseudoHeader(bytes.subarray(14, 14 + 72)))).toBe(0);
      }),
    ));

  test('whatever the bytes, nothing is thrown', () =>
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom(0x800, 0x806, 0x86dd, 0x88cc),
        (bytes, type) => {
          const packet = parsePacket(type, bytes);
          claims({ source: ONE, destination: TWO, packet });
        },
      ),
    ));
});

/** What the checksum of ICMPv6 covers. */
function withPseudoHeader(packet: Uint8Array): Uint8Array {
  const message = packet.subarray(40);
  const length = [0, 0, message.length >> 8, message.length & 255];
  return Uint8Array.from([...packet.subarray(8, 40), ...length, 0, 0, 0, 58, ...message]);
}
