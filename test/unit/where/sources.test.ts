import { describe, expect, test } from 'vitest';
import { byMac } from '../../../src/where/agent.js';
import { libvirtLeasesAt } from '../../../src/where/leases.js';
import { parseNeighbours } from '../../../src/where/neighbours.js';
import { addressText } from '../../../src/where/where.js';

const MAC = '52:54:00:00:00:01';
const NOW = new Date('2026-01-31T12:00:00Z');

describe('agents', () => {
  test('tell of interfaces by MAC: of several with the same, all addresses', () => {
    const told = [
      { mac: null, addresses: ['127.0.0.1'] },
      { mac: MAC.toUpperCase(), addresses: ['192.0.2.1'] },
      { mac: MAC, addresses: ['fe80::1'] },
    ];
    expect([...byMac(told)]).toEqual([[MAC, ['192.0.2.1', 'fe80::1']]]);
  });
});

describe("libvirt's leases", () => {
  const lease = {
    'ip-address': '192.168.122.5',
    'mac-address': MAC,
    'expiry-time': NOW.getTime() / 1000 + 60,
  };
  test('count until they end, and for ever with 0', () => {
    const over = { ...lease, 'ip-address': '192.168.122.6', 'expiry-time': NOW.getTime() / 1000 };
    const always = { ...lease, 'ip-address': '192.168.122.7', 'expiry-time': 0 };
    const text = JSON.stringify([lease, over, always, null, 7, {}]);
    expect(libvirtLeasesAt(text, NOW).map(({ address }) => address)).toEqual([
      '192.168.122.5',
      '192.168.122.7',
    ]);
  });
  test.each([null, '', '[', '{}', 'null'])('are none in %j', text => {
    expect(libvirtLeasesAt(text, NOW)).toEqual([]);
  });
});

describe('the neighbour table', () => {
  test('names those that were met', () => {
    const entry = { dst: '192.0.2.1', dev: 'br0', lladdr: MAC, state: ['STALE'] };
    expect(
      parseNeighbours([
        entry,
        { ...entry, state: ['FAILED'] },
        { dst: '192.0.2.2', dev: 'br0', state: ['INCOMPLETE'] },
      ]),
    ).toEqual([{ address: '192.0.2.1', dev: 'br0', mac: MAC }]);
  });
});

describe('for people', () => {
  const of = (...addresses: string[]) => addresses.map(address => ({ address, source: 'agent' as const }));
  test('link-local addresses are told where there are no others', () => {
    expect(addressText({ addresses: of('192.0.2.1', 'fe80::1'), note: null })).toBe('192.0.2.1 (agent)');
    expect(addressText({ addresses: of('fe80::1'), note: null })).toBe('fe80::1 (agent)');
  });
  test('no address is told with what is known', () => {
    expect(addressText({ addresses: [], note: 'no frame seen' })).toBe('- (no frame seen)');
  });
  test('a host of containers does not fill the screen', () => {
    const many = Array.from({ length: 9 }, (_, i) => `192.0.2.${i + 1}`);
    expect(addressText({ addresses: of(...many), note: null })).toMatch(/192\.0\.2\.4 \(agent\) and 5 more$/);
  });
});
