import { expect } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import type { Box } from './box.js';
import { killedBefore, type Moment, turn } from './moments.js';

export const PROVISION = ['provision', '--network-only'];

/** A lab whose runs are killed, and the host as it was before it. */
export interface Killed {
  readonly box: Box;
  /** The lab's name. */
  readonly lab: string;
  readonly file: string;
  readonly before: Snapshot;
}

/** Ways back to the host as it was; each also ends a lab that the run had finished, which is no more to be undone. */
const waysBack = ({ box, lab, file }: Killed): Record<string, () => Promise<void>> => ({
  async recover() {
    const { json } = await box.vmnet('recover');
    expect(json.error).toBeNull();
    if (json.recovered[lab] !== 'undone') await box.vmnet('destroy', lab);
  },
  async destroy() {
    expect((await box.vmnet('destroy', lab)).json.error).toBeNull();
  },
  async provision() {
    expect((await box.vmnet(...PROVISION, file)).json.error).toBeNull();
    expect((await box.vmnet(...PROVISION, file)).json.changed).toBe(0);
    expect((await box.vmnet('destroy', lab)).json.error).toBeNull();
  },
});

/**
 * Kill a run of `words` with -9 at each moment, go back, and look; prints what was tried, and resolves with the number.
 * @param ready makes the host what the run starts from
 */
export async function killedEverywhere(
  killed: Killed,
  moments: readonly Moment[],
  words: readonly string[],
  ready: () => Promise<void> = async () => {},
): Promise<number> {
  const { box, before } = killed;
  const ways = waysBack(killed);
  const what = words[0];
  let tried = 0;
  for (const [i, moment] of moments.entries()) {
    for (const way of turn(Object.keys(ways), i)) {
      await ready();
      const ended = await box.killedIn(killedBefore(moment), ...words);
      const where = `${what} killed ${moment.title}, then ${way}`;
      expect([ended.stdout, ended.code === 0], where).toEqual(['', false]);
      await ways[way]?.().catch(error => Promise.reject(new Error(where, { cause: error })));
      expect(await box.differenceFrom(before), where).toEqual([]);
      tried++;
    }
  }
  console.log(`${what}: ${tried} moments tried, each restored`);
  return tried;
}
