import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { type Answer, Box } from '../support/box.js';
import { failingFrom, killedBefore, type Moment, momentsOf, turn } from '../support/moments.js';

// The state folder full, read-only, failing, or as a power cut left it: the host comes back all the same.

const BIN = fileURLToPath(new URL('../fixtures/bin', import.meta.url));
const STATE = '/run/vmnet-state';
const TINY = '/run/tiny';

let box: Box;
let file: string;
let before: Snapshot;
let moments: Moment[];
let serial = 0;

beforeAll(async () => {
  box = await Box.up();
  await box.run('mkdir', TINY);
  file = await box.lab({
    name: 'cut',
    bridges: { br0: { uplink: 'eth0' } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  });
  before = await box.snapshot();
  moments = await momentsOf(box, [STATE], ...PROVISION, file);
  await box.vmnet('destroy', 'cut');
});

afterAll(() => box?.down());

const PROVISION = ['provision', '--network-only', '--rollback-after', '0'];
const restored = async (where: string) => expect(await box.differenceFrom(before), where).toEqual([]);
const vmnet = (...words: string[]) => box.vmnetWith({ VMNET_STATE_DIR: TINY }, ...words);

/** A failure that we foresaw, which left the host as it was. */
function failedWell(answer: Answer, where: string): void {
  expect([answer.code, answer.json.error?.code], where).toEqual([1, 'state']);
  expect(answer.json.error.hint, where).toMatch(
    /Make room or make the folder writable[\s\S]*(as it was|Nothing)/,
  );
}

describe('a full disk', () => {
  afterEach(() => box.run('umount', TINY));

  // In pages: a file takes whole ones. One is enough for no journal; with more it ends at a record, a batch, or not at all.
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 16])(
    '%i pages: provision is undone, or done and destroyed',
    async pages => {
      await box.run('mount', '-t', 'tmpfs', '-o', `size=${pages * 4}k`, 'tiny', TINY);
      const answer = await vmnet(...PROVISION, file);
      if (answer.json.error) failedWell(answer, `${pages}`);
      if (pages === 1 || pages === 16) expect(answer.json.error === null).toBe(pages === 16);
      expect((await vmnet('destroy', 'cut')).json.error).toBeNull();
      await restored(`${pages} pages`);
    },
  );

  it('that gets full later: destroy changes nothing, says what to do, and does it when there is room', async () => {
    await box.run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tiny', TINY);
    expect((await vmnet(...PROVISION, file)).json.error).toBeNull();
    await box.attempt('host', 'dd', 'if=/dev/zero', `of=${TINY}/filler`, 'bs=4k');
    const up = await box.snapshot();
    const answer = await vmnet('destroy', 'cut');
    expect([answer.code, answer.json.error.code]).toEqual([4, 'not-restored']);
    expect(answer.json.error.hint).toMatch(/Make room[\s\S]*release eth0[\s\S]*To finish: vmnet destroy cut/);
    expect(await box.differenceFrom(up)).toEqual([]);
    await box.run('rm', `${TINY}/filler`);
    expect((await vmnet('destroy', 'cut')).json.error).toBeNull();
    await restored('destroyed');
  });

  it("no room for a guest's disk: the network plane is undone", async () => {
    await box.run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tiny', TINY);
    const image = join(box.folder, 'disk.qcow2');
    await box.run('qemu-img', 'create', '-q', '-f', 'qcow2', image, '16M');
    const nics = [{ bridge: 'br0' }];
    const disks = await box.lab(
      { name: 'disks', bridges: { br0: { uplink: 'eth0' } }, vms: { d: { boot: { image }, nics } } },
      'disks.json',
    );
    const answer = await vmnet('provision', '--no-verify', disks);
    expect([answer.code, answer.json.error.code]).toEqual([1, 'command-failed']);
    expect(answer.json.error.message).toContain('No space left');
    await restored('disk');
  });
});

describe('a state folder that is read-only', () => {
  beforeEach(() => box.run('mount', '--bind', TINY, TINY));
  afterEach(async () => {
    await box.run('umount', TINY);
  });
  const REMOUNT = `mount -o remount,bind,ro ${TINY}`;
  const writable = () => box.run('mount', '-o', 'remount,bind,rw', TINY);

  it('before: nothing is changed, and that is said', async () => {
    await box.run('sh', '-c', REMOUNT);
    failedWell(await vmnet(...PROVISION, file), 'provision');
    expect((await vmnet('recover')).code).toBe(0);
    expect((await vmnet('destroy', 'cut')).code).toBe(0);
    await restored('read-only');
  });

  /** It turns read-only just before the n-th batch, when all that belongs to that is written. */
  const turning = (batch: number) => ({
    VMNET_STATE_DIR: TINY,
    PATH: `${BIN}:${process.env.PATH}`,
    CUT_COUNTER: join(box.folder, `ro-${serial++}`),
    CUT_BATCH: String(batch),
    CUT_DO: REMOUNT,
  });

  it.each([1, 2, 3, 4])('from batch %i of provision on: undone, and recover ends it later', async batch => {
    const answer = await box.vmnetWith(turning(batch), ...PROVISION, file);
    failedWell(answer, `batch ${batch}`);
    expect(answer.json.error.hint).toContain('To finish: vmnet recover cut');
    expect(await box.run('ip', '-br', 'link')).not.toContain('br0');
    await writable();
    expect((await vmnet('recover')).json.recovered).toEqual({ cut: 'undone' });
    await restored(`batch ${batch}`);
  });

  it('under a guard: it does not wait for its own run, which waits for it', async () => {
    const answer = await box.vmnetWith(turning(2), 'provision', '--network-only', file);
    failedWell(answer, 'with a guard');
    await writable();
    expect((await vmnet('destroy', 'cut')).json.error).toBeNull();
    await restored('with a guard');
  });

  it.each([1, 2, 3])('from batch %i of destroy on: finished by destroy', async batch => {
    expect((await vmnet(...PROVISION, file)).json.error).toBeNull();
    const answer = await box.vmnetWith(turning(batch), 'destroy', 'cut');
    expect([1, 4], answer.stdout).toContain(answer.code);
    expect(answer.json.error.hint).toContain('Make room or make the folder writable');
    await writable();
    expect((await vmnet('destroy', 'cut')).json.error).toBeNull();
    await restored(`batch ${batch}`);
  });
});

describe('a disk that fails', () => {
  it('from any sync of provision on: undone', async () => {
    const syncs = moments.filter(({ call }) => call === 'fsync');
    expect(syncs.length).toBeGreaterThan(8);
    for (const moment of syncs) {
      failedWell(await box.vmnetIn(failingFrom(moment, 'EIO'), ...PROVISION, file), moment.title);
      await restored(moment.title);
    }
    console.log(`disk: ${syncs.length} points tried, ${syncs.length} restored`);
  });
});

describe('a power cut', () => {
  // The network is gone with the kernel that it was in; what is left is what had reached the disk.
  const LAB = `${STATE}/labs/cut`;
  const CUTS: Readonly<Record<string, string>> = {
    'with all of it on the disk': ':',
    'with half of the last word': `truncate -s -3 ${LAB}/pending.log`,
    'without the words': `rm ${LAB}/pending.log`,
    'with an empty journal': `: > ${LAB}/pending.json`,
    'with half a journal': `truncate -s 700 ${LAB}/pending.json`,
    'with half a journal and half a record': `truncate -s 700 ${LAB}/pending.json; mv ${LAB}/record.json ${LAB}/record.json.77; truncate -s 9 ${LAB}/record.json.77`,
    'with a record beside the record': `cp ${LAB}/record.json ${LAB}/record.json.77`,
    'with an empty folder': `rm ${LAB}/*`,
    'with half a batch': `echo 'link del eth' > ${STATE}/batches/77-0.ip`,
  };
  const ANOTHER_BOOT = `sed -i 's/"bootId":[^,]*,/"bootId":"another",/g' ${LAB}/*.json`;

  beforeAll(async () => {
    const moved = moments.findLast(({ call, path }) => call === 'write' && path?.endsWith('pending.log'));
    await box.killedIn(killedBefore(moved as Moment), ...PROVISION, file);
    await box.run('cp', '-a', STATE, join(box.folder, 'state'));
    expect((await box.vmnet('recover')).json.recovered).toEqual({ cut: 'undone' });
    await restored('the scene');
  });

  it.each(Object.entries(CUTS).map(([title, cut], i) => [title, cut, i] as const))(
    '%s',
    async (_, cut, i) => {
      for (const way of turn(['recover', 'destroy', 'provision'], i)) {
        await box.run('cp', '-a', join(box.folder, 'state'), STATE);
        await box.run('sh', '-c', `${ANOTHER_BOOT}; ${cut}`);
        const words = { recover: [way], destroy: [way, 'cut'], provision: [...PROVISION, file] }[way] ?? [];
        expect((await box.vmnet(...words)).json.error, way).toBeNull();
        if (way === 'provision') expect((await box.vmnet(...words)).json.changed).toBe(0);
        if (way !== 'destroy') expect((await box.vmnet('destroy', 'cut')).json.error, way).toBeNull();
        await restored(way);
      }
    },
  );
});
