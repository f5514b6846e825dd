import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, formatIp, parseCidr, parseIp, sameAddress, subnetText } from '../../../src/lab/cidr.js';

const cidr = (text: string) => {
  const parsed = parseCidr(text);
  if (parsed === null) throw new Error(`not a CIDR: ${text}`);
  return parsed;
};

describe('CIDRs', () => {
  test.each([
    ['192.0.2.5/24', '192.0.2.5', '192.0.2.0/24'],
    ['10.1.2.3/0', '10.1.2.3', '0.0.0.0/0'],
    ['10.1.2.3/32', '10.1.2.3', '10.1.2.3/32'],
    ['FD00:0DB8::0001/64', 'fd00:db8::1', 'fd00:db8::/64'],
    ['::/0', '::', '::/0'],
    ['::1/128', '::1', '::1/128'],
    ['1:0:0:2:0:0:0:3/64', '1:0:0:2::3', '1:0:0:2::/64'],
    ['1:0:2:3:4:5:6:7/128', '1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7/128'],
    ['1::/16', '1::', '1::/16'],
    ['::ffff:192.0.2.1/128', '::ffff:c000:201', '::ffff:c000:201/128'],
  ])('%s', (text, address, subnet) => {
    expect(cidr(text).address).toBe(address);
    expect(subnetText(cidr(text))).toBe(subnet);
  });

  test.each([
    '',
    '/',
    '/24',
    '10.0.0.1',
    '10.0.0.1/',
    '10.0.0.1/33',
    '10.0.0.1/08',
    '10.0.0.1/-1',
    '010.0.0.1/8',
    '10.0.1/8',
    'fe80::1%eth0/64',
    '::1/129',
    ':::/1',
    '10.0.0.1/8\n',
  ])('not %j', text => expect(parseCidr(text)).toBeNull());

  test('are compared by value', () => {
    expect(sameAddress(cidr('fd00::1/64'), cidr('FD00:0:0:0:0:0:0:1/128'))).toBe(true);
    expect(sameAddress(cidr('10.0.0.1/8'), cidr('::a00:1/8'))).toBe(false);
    expect(contains(cidr('10.0.0.1/24'), cidr('10.0.0.255/8'))).toBe(true);
    expect(contains(cidr('10.0.0.1/24'), cidr('10.0.1.0/24'))).toBe(false);
    expect(contains(cidr('0.0.0.0/0'), cidr('::1/128'))).toBe(false);
  });

  test('survive the way to text and back', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<4 | 6>(4, 6),
        fc.bigInt(0n, (1n << 128n) - 1n),
        fc.nat(127),
        (family, bits, zeros) => {
          const value = family === 4 ? bits & 0xffffffffn : (bits >> BigInt(zeros)) << BigInt(zeros);
          expect(parseIp(formatIp(family, value))).toEqual({ family, value });
        },
      ),
      { numRuns: 200 },
    );
  });

  test('are read like Node reads them', () => {
    fc.assert(
      fc.property(fc.ipV6(), text => {
        expect(isIPv6(text)).toBe(true);
        const value = parseIp(text)?.value ?? -1n;
        expect(`[${formatIp(6, value)}]`).toBe(new URL(`http://[${text}]`).hostname);
      }),
      { numRuns: 200 },
    );
  });
});
