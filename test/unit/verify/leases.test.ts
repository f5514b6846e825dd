import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Lease } from '../../../src/host/leases.js';
import { waitForLeases } from '../../../src/verify/leases.js';
import type { Claim } from '../../../src/verify/packets.js';
import type { Stimulus } from '../../../src/verify/stimulus.js';
import type { Target } from '../../../src/verify/targets.js';

const MAC = '52:54:00:00:00:01';
const LEASE: Lease = { expires: null, mac: MAC, address: '10.0.0.9', name: null };
const target = (leased: boolean) => ({ leased, nic: { mac: MAC } }) as Target;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A guest whose answers and leases can be changed. */
function scene() {
  const [answers, leases, learned] = [new Set<string>(), [] as Lease[], [] as Claim[]];
  const stimulus = { answered: () => answers, learn: (claim: Claim) => learned.push(claim) };
  const wait = waitForLeases(stimulus as unknown as Stimulus, async () => leases);
  return { answers, leases, learned, wait };
}

it('a guest without a lease is awaited, whatever it answers by IPv6', () => {
  const { answers, wait } = scene();
  answers.add('fe80::1');
  expect(wait.awaits(target(true))).toBe(true);
  expect(wait.awaits(target(false))).toBe(false);
});

it('what it has leased is told; it is done when it answers there', async () => {
  const { answers, leases, learned, wait } = scene();
  leases.push(LEASE);
  await wait.learn();
  expect(learned).toEqual([{ mac: MAC, ip: '10.0.0.9', by: 'dhcp' }]);
  expect(wait.awaits(target(true))).toBe(true);
  answers.add('10.0.0.9');
  expect(wait.awaits(target(true))).toBe(false);
});

it('one that has a lease, but answers nobody, is not awaited for long', async () => {
  const { leases, wait } = scene();
  leases.push(LEASE);
  await wait.learn();
  vi.advanceTimersByTime(2000);
  await wait.learn();
  expect(wait.awaits(target(true))).toBe(true);
  vi.advanceTimersByTime(1500);
  expect(wait.awaits(target(true))).toBe(false);
});
