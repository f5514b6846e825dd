import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { interfacesOf } from '../../../src/render/interfaces.js';

test('the network cards of a domain that somebody else made', () => {
  const xml = readFileSync(new URL('../../fixtures/verify/domain.xml', import.meta.url), 'utf8');
  expect(interfacesOf(xml)).toEqual([
    { type: 'bridge', mac: '52:54:00:aa:00:01', target: 'vnet0' },
    { type: 'network', mac: '52:54:00:aa:00:02', target: 'vnet1' },
    { type: 'ethernet', mac: '52:54:00:aa:00:03', target: 'mytap' },
    { type: 'direct', mac: '52:54:00:aa:00:04', target: 'macvtap0' },
    { type: 'user', mac: '52:54:00:aa:00:05', target: null },
    { type: 'hostdev', mac: null, target: null },
  ]);
});

test.each([
  ['<domain/>'],
  ['<domain><devices/></domain>'],
  ['<domain>\n  <devices>\n  </devices>\n</domain>'],
])('none: %s', xml => {
  expect(interfacesOf(xml)).toEqual([]);
});

test('a card of which nothing is told', () => {
  expect(interfacesOf('<domain><devices><interface/></devices></domain>')).toEqual([
    { type: '', mac: null, target: null },
  ]);
});

test('what is no XML is refused', () => {
  expect(() => interfacesOf('<domain>')).toThrow();
});
