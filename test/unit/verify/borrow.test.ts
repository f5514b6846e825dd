import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Subnet, subnetOf } from '../../../src/verify/addresses.js';
import { makeLender } from '../../../src/verify/borrow.js';
import { arpProbe, arpRequest } from '../../../src/verify/frames.js';
import { type Frame, parseFrame } from '../../../src/verify/packets.js';

const OURS = '02:00:00:00:00:01';
const THEIRS = '02:00:00:00:00:02';
const subnet = subnetOf('192.0.2.5/24') as Subnet;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const parsed = (bytes: Uint8Array) => parseFrame(bytes) as Frame;

/** A LAN on which some addresses are in use. */
function lan(used: readonly string[], taken: readonly string[] = []) {
  const sent: string[] = [];
  const answered = new Set<string>();
  const lender = makeLender({
    mac: OURS,
    mine: new Set([OURS]),
    taken: new Set(taken),
    isUsed: address => answered.has(address),
    send: async frames => {
      for (const { packet } of frames.map(parsed)) {
        if (packet.kind !== 'arp') continue;
        sent.push(packet.target);
        if (used.includes(packet.target)) answered.add(packet.target);
      }
    },
  });
  const borrow = async () => {
    const loan = lender.in(subnet);
    await vi.runAllTimersAsync();
    return loan;
  };
  return { lender, borrow, sent };
}

const top = (count: number) => Array.from({ length: count }, (_, i) => `192.0.2.${254 - i}`);

describe('an address is borrowed', () => {
  test('from the top, one for us and one to play the LAN with; each candidate is probed twice', async () => {
    const { borrow, sent } = lan([]);
    expect(await borrow()).toEqual({ own: '192.0.2.254', lan: '192.0.2.253' });
    expect(sent).toEqual([...top(8), ...top(8)]);
  });

  test('never one that somebody answers for, or that is taken', async () => {
    expect(await lan(['192.0.2.254'], ['192.0.2.253']).borrow()).toEqual({
      own: '192.0.2.252',
      lan: '192.0.2.251',
    });
  });

  test('further down where the top is in use, and at last not at all', async () => {
    expect(await lan(top(10)).borrow()).toEqual({ own: '192.0.2.244', lan: '192.0.2.243' });
    const full = lan(top(100));
    expect(await full.borrow()).toEqual({ own: null, lan: null });
    expect(full.sent).toHaveLength(48);
  });

  test('once, however many ask', async () => {
    const { borrow, lender, sent } = lan([]);
    expect(await Promise.all([borrow(), borrow()])).toEqual([await borrow(), await lender.in(subnet)]);
    expect(sent).toHaveLength(16);
  });
});

describe('it is given back', () => {
  test.each([
    ['somebody uses it', arpRequest({ mac: THEIRS, ip: '192.0.2.254' }, '192.0.2.1')],
    ['somebody is about to', arpProbe(THEIRS, '192.0.2.254')],
  ])('when %s', async (_, frame) => {
    const { borrow, lender } = lan([]);
    await borrow();
    lender.heed(parsed(frame));
    expect(lender.loans.get(subnet.text)).toEqual({ own: null, lan: '192.0.2.253' });
  });

  test('not for a question about it, nor for our own probes', async () => {
    const { borrow, lender } = lan([]);
    await borrow();
    lender.heed(parsed(arpRequest({ mac: THEIRS, ip: '192.0.2.9' }, '192.0.2.254')));
    lender.heed(parsed(arpProbe(OURS, '192.0.2.254')));
    expect(lender.loans.get(subnet.text)?.own).toBe('192.0.2.254');
  });
});
