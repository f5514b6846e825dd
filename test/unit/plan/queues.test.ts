import { expect, test } from 'vitest';
import { dropsOf, linkLocal } from '../../../src/lab/drops.js';
import type { Nic } from '../../../src/lab/model.js';
import { UNRULED } from '../../../src/lab/unruled.js';
import { queueOf } from '../../../src/plan/queues.js';

const nic = (rules: Partial<Nic>) => ({ ...UNRULED, ...rules }) as Nic;
const impair = { delay: 0, jitter: 0, loss: 0, corrupt: 0, reorder: 0, rate: null };
const lines = (rules: Partial<Nic>) =>
  queueOf(nic(rules))
    ?.lines('t0')
    .map(line => line.replace(/\b[0-9a-f]{4}:/, 'H:'));

test('what is sent to a guest is queued by tbf, by netem, or by one in the other', () => {
  expect(lines({})).toBeUndefined();
  expect(lines({ bandwidth: { in: null, out: 1e6 } })).toBeUndefined();
  expect(lines({ bandwidth: { in: 100e6, out: null } })).toEqual([
    'qdisc replace dev t0 root handle H: tbf rate 100000000bit burst 125000 latency 100ms',
  ]);
  expect(
    lines({ impair: { delay: 50_000, jitter: 500, loss: 5000, corrupt: 1, reorder: 250_000, rate: 1e9 } }),
  ).toEqual([
    'qdisc replace dev t0 root handle H: netem limit 10000 delay 50000us 500us loss random 0.5% corrupt 0.0001% reorder 25% rate 1000000000bit',
  ]);
  expect(lines({ impair: { ...impair, loss: 1e6 }, bandwidth: { in: 16_000, out: null } })).toEqual([
    'qdisc replace dev t0 root handle H: netem limit 10000 loss random 100%',
    'qdisc add dev t0 parent H:1 tbf rate 16000bit burst 16384 latency 100ms',
  ]);
});

test('the handle tells the settings', () => {
  const handle = (rules: Partial<Nic>) => queueOf(nic(rules))?.handle;
  expect(handle({ bandwidth: { in: 1e6, out: null } })).toMatch(/^[1-7][0-9a-f]{3}:$/);
  expect(handle({ bandwidth: { in: 1e6, out: 1 } })).toBe(handle({ bandwidth: { in: 1e6, out: null } }));
  expect(handle({ bandwidth: { in: 1e6, out: null } })).not.toBe(
    handle({ bandwidth: { in: 2e6, out: null } }),
  );
  expect(handle({ impair: { ...impair, delay: 1 } })).not.toBe(handle({ impair: { ...impair, delay: 2 } }));
});

test('a NIC has a counter for each thing that may happen to its frames', () => {
  expect(dropsOf(nic({}))).toEqual([]);
  expect(dropsOf(nic({ guard: ['bpdu'], bandwidth: { in: 1, out: 1 } }))).toEqual(['bpdu', 'rate']);
  expect(dropsOf(nic({ antiSpoof: 'mac', guard: ['dhcp'] }))).toEqual(['hidden', 'mac', 'arp', 'nd', 'dhcp']);
  expect(dropsOf(nic({ antiSpoof: 'ip' }))).toEqual(['hidden', 'mac', 'arp', 'nd', 'ip', 'protocol']);
});

test('the link-local address follows from the MAC', () => {
  expect(linkLocal('52:54:00:12:34:56')).toBe('fe80::5054:ff:fe12:3456');
});
