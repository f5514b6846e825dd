import { describe, expect, test } from 'vitest';
import { dhcpDiscover, dnsAnswer, dnsQuery } from '../../../src/verify/messages.js';
import { parseFrame } from '../../../src/verify/packets.js';

const US = { mac: '02:00:00:00:00:01', ip: '10.1.0.150' };
const SERVER = { mac: '02:00:00:00:00:02', ip: '10.1.0.1' };

test('a DHCPDISCOVER asks for whom it says', () => {
  const frame = parseFrame(dhcpDiscover(US.mac, '52:54:00:00:00:09', 7));
  expect(frame).toMatchObject({ source: US.mac, destination: 'ff:ff:ff:ff:ff:ff' });
  expect(frame?.packet).toMatchObject({
    kind: 'dhcp',
    reply: false,
    client: '52:54:00:00:00:09',
    address: null,
  });
});

/** The query turned into an answer, as RFC 1035 has it: the name by a pointer. */
function answered(code: number, addresses: readonly number[][]): Uint8Array {
  const query = Buffer.from(dnsQuery(SERVER, 53, US, 'web.lab.test', 99));
  const start = 14 + 20 + 8;
  const question = query.subarray(start, start + 12 + 14 + 4);
  const records = addresses.map(address => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, ...address]));
  const frame = Buffer.concat([query.subarray(0, start), question, ...records]);
  frame.writeUInt16BE(53, start - 8);
  frame.writeUInt16BE(4000, start - 6);
  frame.writeUInt16BE(0x8180 | code, start + 2);
  frame.writeUInt16BE(addresses.length, start + 6);
  return frame;
}

describe('an answer of DNS', () => {
  test('has its addresses', () =>
    expect(
      dnsAnswer(
        answered(0, [
          [10, 1, 0, 50],
          [10, 1, 0, 51],
        ]),
        4000,
      ),
    ).toEqual({
      id: 99,
      code: 0,
      addresses: ['10.1.0.50', '10.1.0.51'],
    }));

  test('may say that there is no such name', () =>
    expect(dnsAnswer(answered(3, []), 4000)).toEqual({ id: 99, code: 3, addresses: [] }));

  test('is no query, and none for another port', () => {
    expect(dnsAnswer(dnsQuery(US, 4000, SERVER, 'web.lab.test', 99), 4000)).toBeNull();
    expect(dnsAnswer(answered(0, []), 4001)).toBeNull();
  });

  test('that is cut anywhere is no crash', () => {
    const whole = answered(0, [[10, 1, 0, 50]]);
    for (let length = 0; length < whole.length; length++)
      expect(dnsAnswer(whole.subarray(0, length), 4000)?.addresses ?? []).toEqual([]);
  });
});
