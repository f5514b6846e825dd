import { describe, expect, test } from 'vitest';
import { borrowCandidates, linkLocal, subnetsOf } from '../../../src/verify/addresses.js';
import { targetsOf } from '../../../src/verify/targets.js';
import { FakeHost } from '../../fakes/host.js';
import { labFrom } from '../../fakes/labs.js';

test.each([
  ['52:54:00:12:34:56', 'fe80::5054:ff:fe12:3456'],
  ['00:00:00:00:00:01', 'fe80::200:ff:fe00:1'],
  ['02:00:00:00:00:0a', 'fe80::0:ff:fe00:a'],
  ['fc:aa:14:0b:0c:0d', 'fe80::feaa:14ff:fe0b:c0d'],
])('the link-local address of %s is %s', (mac, address) => expect(linkLocal(mac)).toBe(address));

describe('addresses to borrow', () => {
  const subnets = (...addresses: string[]) =>
    subnetsOf(
      targetsOf(
        labFrom({
          version: 1,
          name: 'l',
          bridges: { br0: {} },
          vms: { web: { boot: 'probe', nics: addresses.map(address => ({ bridge: 'br0', address })) } },
        }),
        new FakeHost().observe(),
      ),
    );

  test('are of the IPv4 subnets of guests, each once', () => {
    expect(
      subnets('192.0.2.5/24', '192.0.2.6/24', '198.51.100.5/25', 'fd00::5/64').map(({ text }) => text),
    ).toEqual(['192.0.2.0/24', '198.51.100.0/25']);
  });

  test('come from the top, without those that are taken, the network and the broadcast address', () => {
    const [wide, narrow] = subnets('192.0.2.5/24', '198.51.100.1/30');
    if (!wide || !narrow) throw new Error('no subnets');
    expect(borrowCandidates(wide, new Set(['192.0.2.254', '192.0.2.252'])).slice(0, 3)).toEqual([
      '192.0.2.253',
      '192.0.2.251',
      '192.0.2.250',
    ]);
    expect(borrowCandidates(wide, new Set())).toHaveLength(8);
    expect(borrowCandidates(narrow, new Set(['198.51.100.1']))).toEqual(['198.51.100.2']);
  });
});
