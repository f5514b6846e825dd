import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';
import { EXHAUSTIVE, killedBefore, type Moment, momentsOf, turn } from '../support/moments.js';

// vmnet killed with -9 before and after every batch, and before every sysctl that it writes, while a bridge behind the
// host is made and taken down: rules, switches and Docker's chain come back.

const PROVISION = ['provision', '--network-only'];

let box: Box;
let file: string;
let before: Snapshot;
let provision: Moment[];
let destroy: Moment[];

beforeAll(async () => {
  box = await Box.up();
  for (const line of ['-N DOCKER-USER', '-A FORWARD -j DOCKER-USER', '-P FORWARD DROP'])
    await box.run('iptables-nft', ...line.split(' '));
  file = await box.lab({
    name: 'cut',
    bridges: {
      br7: { mode: 'nat', address: ['10.77.0.1/24', 'fd77::1/64'], docker: 'allow' },
      br8: { mode: 'isolated' },
    },
  });
  before = await box.snapshot();
  provision = chosen(await momentsOf(box, FOLDERS, ...PROVISION, file));
  destroy = chosen(await momentsOf(box, FOLDERS, 'destroy', 'cut'));
});

afterAll(() => box?.down());

const STATE = '/run/vmnet-state';
const FOLDERS = [STATE, '/proc/sys/net'];

/** Batches are files from before they run until after; the words of the journal say which phase begins. */
const chosen = (all: Moment[]) =>
  all.filter(
    ({ call, path, title }) =>
      EXHAUSTIVE ||
      path?.startsWith('/proc/sys/') ||
      path?.endsWith('.log') ||
      (call === 'unlink' && title.includes('/batches/')),
  );

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

async function everywhere(
  what: string,
  moments: readonly Moment[],
  ready: () => Promise<void>,
  words: string[],
) {
  expect(moments.some(({ path }) => path?.endsWith('/eth0/forwarding'))).toBe(true);
  let tried = 0;
  for (const [i, moment] of moments.entries()) {
    for (const way of turn(ways, i)) {
      await ready();
      const ended = await box.killedIn(killedBefore(moment), ...words);
      const where = `${what} killed ${moment.title}, then ${way}`;
      expect([ended.stdout, ended.code === 0], where).toEqual(['', false]);
      await WAYS[way]();
      expect(await box.differenceFrom(before), where).toEqual([]);
      tried++;
    }
  }
  console.log(`${what}: ${tried} moments tried, each restored`);
}

describe('a bridge behind the host', () => {
  it('is undone, wherever provision was killed', { timeout: 600_000 }, () =>
    everywhere('provision', provision, async () => {}, [...PROVISION, file]),
  );

  it('is gone, wherever destroy was killed', { timeout: 600_000 }, () =>
    everywhere(
      'destroy',
      destroy,
      async () => {
        expect((await box.vmnet(...PROVISION, file)).json.error).toBeNull();
      },
      ['destroy', 'cut'],
    ),
  );
});
