import { expect, test } from 'vitest';
import { duidOf, lastLease, leaseOn, leaseTerms } from '../../../src/apply/leases.js';

/** As dhclient 4.4.3 writes it. */
const lease = (on: string, address: string, renew: string) => `lease {
  interface "${on}";
  fixed-address ${address};
  option subnet-mask 255.255.255.0;
  option dhcp-lease-time 120;
  option host-name "a } b";
  renew 6 2026/11/21 ${renew};
  rebind 6 2026/11/21 02:49:52;
  expire 6 2026/11/21 02:50:07;
}
`;

const FILE = [
  'default-duid "\\000\\001";\n',
  lease('eth0', '192.0.2.7', '02:00:00'),
  lease('eth1', '198.51.100.7', '02:00:00'),
  lease('eth0', '192.0.2.8', '02:48:12'),
].join('');

test('the last lease of an interface, and what it says', () => {
  const block = lastLease(FILE, 'eth0') ?? '';
  expect(leaseTerms(block)).toEqual({
    address: '192.0.2.8',
    seconds: 120,
    times: '  renew 6 2026/11/21 02:48:12;\n  rebind 6 2026/11/21 02:49:52;\n  expire 6 2026/11/21 02:50:07;',
  });
  expect(lastLease(FILE, 'eth2')).toBeNull();
  expect(lastLease('', 'eth0')).toBeNull();
});

test('a lease that was cut off while it was written does not count', () =>
  expect(leaseTerms(lastLease(`${FILE}lease {\n  interface "eth0";\n  fixed-a`, 'eth0') ?? '').address).toBe(
    '192.0.2.8',
  ));

test('the same lease on another interface', () => {
  const block = leaseOn(lastLease(FILE, 'eth0') ?? '', 'eth0', 'br$0');
  expect(leaseTerms(lastLease(block, 'br$0') ?? '').address).toBe('192.0.2.8');
});

test('the name by which a client goes', () => {
  expect(duidOf(FILE)).toBe('default-duid "\\000\\001";\n');
  expect(duidOf(lease('eth0', '192.0.2.7', '02:00:00'))).toBe('');
});

test('nothing is made up', () =>
  expect(leaseTerms('lease {\n}')).toEqual({ address: null, seconds: null, times: '' }));
