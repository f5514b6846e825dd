import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseBridgeSettings } from '../../../src/host/ports.js';

const { ports, links } = JSON.parse(
  readFileSync(new URL('../../fixtures/host/bridge-settings.json', import.meta.url), 'utf8'),
);
const settings = parseBridgeSettings(ports, links);

test('the flags of each port', () => {
  expect(Object.fromEntries(settings.ports)).toEqual({
    e0: { isolated: false, hairpin: false, flood: false },
    v0: { isolated: true, hairpin: true, flood: true },
  });
});

test('the tables that each bridge hands its frames to', () => {
  expect(settings.calls.get('br0')).toEqual(['iptables']);
  expect(settings.calls.get('e0')).toEqual([]);
  expect(settings.calls.get('gone')).toBeUndefined();
});

test('what an older program leaves out is as the kernel makes it', () => {
  const [flags] = parseBridgeSettings([{ ifname: 'p' }], []).ports.values();
  expect(flags).toEqual({ isolated: false, hairpin: false, flood: true });
});
