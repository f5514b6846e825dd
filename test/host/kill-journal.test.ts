import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';
import { killLab } from '../support/kill-lab.js';
import { EXHAUSTIVE, killedBefore, type Moment, momentsOf } from '../support/moments.js';
import { killedEverywhere, PROVISION } from '../support/ways-back.js';

// vmnet killed with -9 before and after everything that it writes down: journal, record, and their removal; in the
// exhaustive form also around batch files and locks.

const STATE = '/run/vmnet-state';
const PENDING = `${STATE}/labs/cut/pending.json`;

let box: Box;
let file: string;
let before: Snapshot;
let provision: Moment[];
let guarded: Moment[];
let destroy: Moment[];

beforeAll(async () => {
  box = await Box.up();
  file = await killLab(box, 'cut');
  before = await box.snapshot();
  const folders = [STATE, ...(EXHAUSTIVE ? ['/run/vmnet'] : [])];
  const chosen = (all: Moment[]) => all.filter(moment => EXHAUSTIVE || !moment.title.includes('/batches'));
  const everything = await momentsOf(box, folders, ...PROVISION, '--rollback-after', '0', file);
  provision = chosen(everything);
  // From the first phase, for which the guard is there, to the first one after the move is confirmed.
  const word = (nth: number) =>
    everything.findIndex(
      moment => moment.call === 'write' && moment.path?.endsWith('.log') && moment.nth === nth,
    );
  guarded = everything.slice(word(1), word(4));
  destroy = chosen(await momentsOf(box, folders, 'destroy', 'cut'));
});

afterAll(() => box?.down());

const exists = async (path: string) => (await box.attempt('host', 'test', '-e', path)).code === 0;

/** Dozens of runs, on a machine that has other things to do. */
const LONG = 600_000;

describe('killed before and after everything that is written down', () => {
  it('provision, without a guard', { timeout: LONG }, async () => {
    const words = [...PROVISION, '--rollback-after', '0', file];
    expect(await killedEverywhere({ box, lab: 'cut', file, before }, provision, words)).toBeGreaterThan(15);
  });

  it('destroy', { timeout: LONG }, async () => {
    const ready = async () => {
      expect((await box.vmnet(...PROVISION, file)).json.error).toBeNull();
    };
    const killed = { box, lab: 'cut', file, before };
    expect(await killedEverywhere(killed, destroy, ['destroy', 'cut'], ready)).toBeGreaterThan(12);
  });

  it('provision, undone by its guard alone wherever the uplink had moved', { timeout: LONG }, async () => {
    let tried = 0;
    let alone = 0;
    for (const moment of guarded) {
      await box.killedIn(killedBefore(moment), ...PROVISION, '--rollback-after', '10', file);
      await guardIsGone();
      if (await exists(STATE)) {
        // It is for people to say what becomes of a move that was confirmed, or of a lab that never had its guard.
        if (!(await isLeftToPeople()))
          expect(await box.run('ip', '-br', 'link'), moment.title).not.toContain('br0');
        await box.vmnet('destroy', 'cut');
      } else alone++;
      expect(await box.differenceFrom(before), moment.title).toEqual([]);
      tried++;
    }
    expect(alone).toBeGreaterThan(5);
    console.log(`guard: ${tried} points tried, ${tried} restored, ${alone} by the guard alone`);
  });
});

/** Had the run confirmed its move, or ended? From there on its guard leaves it alone. */
async function isLeftToPeople(): Promise<boolean> {
  const words = await box.attempt('host', 'cat', `${STATE}/labs/cut/pending.log`);
  return words.stdout.includes('confirmed') || !(await exists(PENDING));
}

/** A guard lives no longer than its deadline and an undo. */
async function guardIsGone(): Promise<void> {
  const look =
    'grep -lsa "^.*guard" /proc/[0-9]*/cmdline | while read f; do tr "\\0" " " < "$f"; echo; done; true';
  for (let tries = 0; tries < 150; tries++) {
    if (!(await box.run('sh', '-c', look)).includes('--watch')) return;
    await sleep(100);
  }
  throw new Error('the guard is still there');
}
