import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';
import { killLab } from '../support/kill-lab.js';
import { EXHAUSTIVE, killedBefore, type Moment, momentsOf, turn } from '../support/moments.js';

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

const PROVISION = ['provision', '--network-only'];
const exists = async (path: string) => (await box.attempt('host', 'test', '-e', path)).code === 0;

/** Ways back to the host as it was; each also ends a lab that the run had finished, which is no more to be undone. */
const WAYS = {
  async recover() {
    const { json } = await box.vmnet('recover');
    expect(json.error).toBeNull();
    if (json.recovered.cut !== 'undone') await box.vmnet('destroy', 'cut');
  },
  async destroy() {
    expect((await box.vmnet('destroy', 'cut')).json.error).toBeNull();
  },
  async provision() {
    expect((await box.vmnet(...PROVISION, file)).json.error).toBeNull();
    expect((await box.vmnet(...PROVISION, file)).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'cut')).json.error).toBeNull();
  },
};

const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];

/** Kill a run at each moment, go back, and look; prints what was tried. */
async function everywhere(
  what: string,
  moments: readonly Moment[],
  ready: () => Promise<void>,
  words: string[],
) {
  let tried = 0;
  for (const [i, moment] of moments.entries()) {
    for (const way of turn(ways, i)) {
      await ready();
      const ended = await box.killedIn(killedBefore(moment), ...words);
      const where = `${what} killed ${moment.title}, then ${way}`;
      expect([ended.stdout, ended.code === 0], where).toEqual(['', false]);
      await WAYS[way]().catch(error => Promise.reject(new Error(where, { cause: error })));
      expect(await box.differenceFrom(before), where).toEqual([]);
      tried++;
    }
  }
  expect(tried).toBeGreaterThan(15);
  console.log(`${what}: ${tried} points tried, ${tried} restored`);
}

/** Dozens of runs, on a machine that has other things to do. */
const LONG = 600_000;

describe('killed before and after everything that is written down', () => {
  it('provision, without a guard', { timeout: LONG }, async () => {
    await everywhere('provision', provision, async () => {}, [...PROVISION, '--rollback-after', '0', file]);
  });

  it('destroy', { timeout: LONG }, async () => {
    const ready = async () => {
      expect((await box.vmnet(...PROVISION, file)).json.error).toBeNull();
    };
    await everywhere('destroy', destroy, ready, ['destroy', 'cut']);
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
