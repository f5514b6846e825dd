import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { linesOfBatches } from '../support/batches.js';
import { Box } from '../support/box.js';
import { killedAt } from '../support/cutting-ip.js';
import { killLab } from '../support/kill-lab.js';

// vmnet killed with -9 after every line of every batch, and the batch with it: the host comes back.

let box: Box;
let file: string;
let before: Snapshot;

beforeAll(async () => {
  box = await Box.up();
  file = await killLab(box, 'killed');
  before = await box.snapshot();
});

afterAll(() => box?.down());

/** Every point of a plan: after each line of each of its batches. */
async function points(...words: string[]): Promise<[number, number][]> {
  const plan = await box.vmnet(...words);
  const batches = linesOfBatches(plan.json.plan.phases);
  return batches.flatMap((lines, batch) =>
    Array.from({ length: lines }, (_, line): [number, number] => [batch, line]),
  );
}

async function untilRestored(): Promise<string[]> {
  let left = ['not looked'];
  for (let tries = 0; tries < 60 && left.length > 0; tries++) {
    left = await box.differenceFrom(before);
    if (left.length > 0) await sleep(100);
  }
  return left;
}

describe('provision killed', () => {
  it('is undone by its guard alone', async () => {
    const all = await points('plan', '--network-only', file);
    let restored = 0;
    for (const [batch, line] of all) {
      const end = await box.killed(killedAt(box, batch, line), 'provision', '--network-only', file);
      expect(end.code, `batch ${batch + 1}, line ${line + 1}`).not.toBe(0);
      // The move was confirmed before the taps: from there on, the guard leaves it to `recover`.
      if ((await untilGone()) === 'pending') await box.vmnet('recover', 'killed');
      expect(await untilRestored(), `batch ${batch + 1}, line ${line + 1}`).toEqual([]);
      restored++;
    }
    console.log(`provision: ${all.length} points tried, ${restored} restored`);
  });

  it('is undone by recover without a guard, and by the next provision or destroy', async () => {
    const all = await points('plan', '--network-only', file);
    let restored = 0;
    for (const [i, [batch, line]] of all.entries()) {
      const where = `batch ${batch + 1}, line ${line + 1}`;
      await box.killed(
        killedAt(box, batch, line),
        'provision',
        '--network-only',
        '--rollback-after',
        '0',
        file,
      );
      if (i % 3 === 0)
        expect((await box.vmnet('recover')).json.recovered, where).toEqual({ killed: 'undone' });
      if (i % 3 === 1) expect((await box.vmnet('destroy', 'killed')).json.error, where).toBeNull();
      if (i % 3 === 2) {
        const again = await box.vmnet('provision', '--network-only', file);
        expect(again.json.error, where).toBeNull();
        expect((await box.vmnet('destroy', 'killed')).code, where).toBe(0);
      }
      expect(await box.differenceFrom(before), where).toEqual([]);
      restored++;
    }
    console.log(`recovery: ${all.length} points tried, ${restored} restored`);
  });
});

describe('what others did to the host between the crash and the recovery', () => {
  it('is theirs, and stays', async () => {
    // After the second line of the move: the uplink has lost its addresses, and the bridge has none yet.
    await box.killed(killedAt(box, 1, 2), 'provision', '--network-only', '--rollback-after', '0', file);
    expect(await box.run('ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0')).toBe('');
    await box.run('ip', 'address', 'add', '10.77.0.1/24', 'dev', 'lo');
    expect((await box.vmnet('recover')).json).toMatchObject({ ok: true, recovered: { killed: 'undone' } });
    expect(await box.run('ip', '-4', '-o', 'addr', 'show', 'dev', 'lo')).toContain('10.77.0.1');
    await box.run('ip', 'address', 'del', '10.77.0.1/24', 'dev', 'lo');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('keeps nothing of an older boot from being forgotten', async () => {
    await box.killed(killedAt(box, 0, 2), 'provision', '--network-only', '--rollback-after', '0', file);
    const pending = '/run/vmnet-state/labs/killed/pending.json';
    await box.run('sed', '-i', 's/"bootId":"[^"]*"/"bootId":"another"/g', pending);
    expect((await box.vmnet('recover', 'killed')).json.recovered).toEqual({ killed: 'outdated' });
    expect(await box.run('ip', '-br', 'link')).toContain('br0');
    await box.run('ip', 'link', 'del', 'dev', 'br0');
    await box.vmnet('destroy', 'killed');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

/** Does the guard end what is pending, or leave it? */
async function untilGone(): Promise<'gone' | 'pending'> {
  for (let tries = 0; tries < 40; tries++) {
    if ((await box.attempt('host', 'sh', '-c', 'ls /run/vmnet-state/labs/killed/pending.json')).code !== 0)
      return 'gone';
    const words = await box.attempt('host', 'cat', '/run/vmnet-state/labs/killed/pending.log');
    if (words.stdout.includes('confirmed')) return 'pending';
    await sleep(100);
  }
  return 'pending';
}

describe('destroy killed', () => {
  it('is carried on by the next one', async () => {
    await box.vmnet('provision', '--network-only', file);
    const all = await points('destroy', '--dry-run', 'killed');
    let restored = 0;
    for (const [batch, line] of all) {
      const where = `batch ${batch + 1}, line ${line + 1}`;
      await box.vmnet('provision', '--network-only', file);
      // Deleting the taps is a batch as well, which the plan does not spell out.
      await box.killed(killedAt(box, batch + 1, line), 'destroy', 'killed');
      expect((await box.vmnet('destroy', 'killed')).json.error, where).toBeNull();
      expect(await box.differenceFrom(before), where).toEqual([]);
      restored++;
    }
    console.log(`destroy: ${all.length} points tried, ${restored} restored`);
  });
});

describe('the LAN lost right after the move', () => {
  it('is noticed; the uplink goes back, and the message says who is lost', async () => {
    // As with a switch that shuts the port on seeing the bridge: nothing comes in through a bridge any more.
    const chain = 'add chain bridge cut in { type filter hook prerouting priority 0; policy drop; }';
    await box.run('nft', `add table bridge cut; ${chain}`);
    const answer = await box.vmnet('provision', '--network-only', file);
    await box.run('nft', 'delete', 'table', 'bridge', 'cut');
    expect([answer.code, answer.json.error?.code]).toEqual([1, 'timeout']);
    expect(answer.json.error.message).toContain('192.0.2.1 through br0');
    expect(answer.json.error.hint).toContain('as it was');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
