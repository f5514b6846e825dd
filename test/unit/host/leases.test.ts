import { expect, test } from 'vitest';
import { parseLeases } from '../../../src/host/leases.js';

test("dnsmasq's lease file: with a name or without, for ever or not; anything else is passed over", () => {
  const text = [
    '1790000000 52:54:00:00:00:01 10.1.0.50 web 01:52:54:00:00:00:01',
    '0 52:54:00:00:00:02 10.1.0.101 * *',
    'duid 00:01:00:01',
    '1790000000 1234 fd00::5 six 00:01',
    '',
  ].join('\n');
  expect(parseLeases(text)).toEqual([
    { expires: '2026-09-21T14:13:20Z', mac: '52:54:00:00:00:01', address: '10.1.0.50', name: 'web' },
    { expires: null, mac: '52:54:00:00:00:02', address: '10.1.0.101', name: null },
  ]);
});
