import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Locks, makeLocks } from '../../../src/drivers/lock.js';
import { makeRun } from '../../../src/drivers/run.js';

/** Real flock(1) in a folder of its own; two sets of locks are as two processes. */

let top: string;
let root: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'vmnet-lock-'));
  root = join(top, 'vmnet', 'locks', '4026531840');
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(top, { recursive: true });
});

const locks = (): Locks =>
  makeLocks(
    makeRun(() => {}),
    async () => root,
  );

const me = `process ${process.pid}`;

/** A process that holds a lock until it is killed; its first words tell that it does. */
async function holder(name: string, script: string): Promise<{ child: ChildProcess; words: string }> {
  mkdirSync(root, { recursive: true });
  const child = spawn('sh', ['-c', `exec 9<>"$0"; flock 9; ${script}`, join(root, name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [words] = await once(child.stdout, 'data');
  return { child, words: String(words).trim() };
}

const HOLD = 'echo "provision of a (process 7)" > "$0"; echo held; exec sleep 60';

describe('a lock', () => {
  test('is a file for root alone that says who holds it, and is gone with its folders when it is free', async () => {
    const mine = locks();
    const held = await mine.take(['lab-a'], 'provision of a', null);
    expect(readFileSync(join(root, 'lab-a'), 'utf8')).toBe(`provision of a (${me})\n`);
    expect([root, join(root, 'lab-a')].map(path => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
    expect(mine.descriptors()).toHaveLength(1);
    held.release();
    expect(mine.descriptors()).toEqual([]);
    expect(readdirSync(top)).toEqual([]);
  });

  test('can be taken again when it was released, and released twice', async () => {
    const mine = locks();
    for (let round = 0; round < 3; round++) {
      const held = await mine.take(['lab-a'], 'provision of a', null);
      held.release();
      held.release();
    }
    expect(existsSync(root)).toBe(false);
  });

  test('that is taken is busy for whoever does not wait, who then holds nothing', async () => {
    const [mine, theirs] = [locks(), locks()];
    const held = await mine.take(['uplink-eth0'], 'provision of a', null);
    await expect(theirs.take(['lab-b', 'uplink-eth0'], 'destroy of b', null)).rejects.toMatchObject({
      code: 'busy',
      message: `uplink eth0 is in use by provision of a (${me})`,
    });
    expect(theirs.descriptors()).toEqual([]);
    expect(readdirSync(root)).toEqual(['uplink-eth0']);
    held.release();
  });

  test('that is taken is waited for by whoever wants to, who is told for whom', async () => {
    const [mine, theirs] = [locks(), locks()];
    const held = await mine.take(['lab-a'], 'provision of a', null);
    const order: string[] = [];
    const second = await theirs.take(['lab-a'], 'destroy of a', who => {
      order.push(`waits for ${who}`);
      setTimeout(() => {
        order.push('the first releases');
        held.release();
      }, 30);
    });
    expect(order).toEqual([`waits for provision of a (${me})`, 'the first releases']);
    expect(readFileSync(join(root, 'lab-a'), 'utf8')).toBe(`destroy of a (${me})\n`);
    second.release();
    expect(readdirSync(top)).toEqual([]);
  });

  test('is never held twice, however many want it, and whatever order they name it in', async () => {
    let inside = 0;
    const names = ['lab-a', 'uplink-eth0', 'uplink-eth1'];
    const enter = async (i: number) => {
      const wanted = i % 2 === 0 ? names : names.toReversed();
      const held = await locks().take(wanted, `run ${i}`, () => {});
      expect(++inside).toBe(1);
      await new Promise(resolve => setTimeout(resolve, 5));
      inside--;
      held.release();
    };
    await Promise.all(Array.from({ length: 6 }, (_, i) => enter(i)));
    expect(readdirSync(top)).toEqual([]);
  });

  test('of another name is free', async () => {
    const [mine, theirs] = [locks(), locks()];
    const [a, b] = [await mine.take(['lab-a'], 'a', null), await theirs.take(['lab-b'], 'b', null)];
    a.release();
    expect(readdirSync(root)).toEqual(['lab-b']);
    b.release();
  });
});

describe('a lock of another process', () => {
  test('is busy while that one lives, and free as soon as it is killed', async () => {
    const { child } = await holder('lab-a', HOLD);
    await expect(locks().take(['lab-a'], 'b', null)).rejects.toMatchObject({
      code: 'busy',
      message: 'lab a is in use by provision of a (process 7)',
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    (await locks().take(['lab-a'], 'b', null)).release();
    expect(readdirSync(top)).toEqual([]);
  });

  test('lets whoever waits go on when it is killed', async () => {
    const { child } = await holder('lab-a', HOLD);
    const held = await locks().take(['lab-a'], 'b', () => void child.kill('SIGKILL'));
    expect(readFileSync(join(root, 'lab-a'), 'utf8')).toBe(`b (${me})\n`);
    held.release();
  });

  test('stays with a program that inherited it, as a batch that still runs', async () => {
    const { child, words } = await holder('lab-a', 'sleep 60 & echo $!; wait');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await expect(locks().take(['lab-a'], 'b', null)).rejects.toMatchObject({
      message: 'lab a is in use by another run',
    });
    const held = await locks().take(['lab-a'], 'b', () => void process.kill(Number(words), 'SIGKILL'));
    held.release();
  });

  test('is what a program of ours inherits', async () => {
    const mine = locks();
    const held = await mine.take(['lab-a'], 'a', null);
    const run = makeRun(() => {});
    const { stdout } = await run('readlink', ['/proc/self/fd/3'], { keepOpen: mine.descriptors() });
    expect(stdout.trim()).toBe(join(root, 'lab-a'));
    held.release();
  });
});

describe('a sweep', () => {
  test('removes the files of holders that were killed, and none that is held', async () => {
    const [mine, theirs] = [locks(), locks()];
    const held = await theirs.take(['lab-held'], 'b', null);
    const own = await mine.take(['lab-own'], 'c', null);
    const { child } = await holder('lab-killed', HOLD);
    child.kill('SIGKILL');
    await once(child, 'close');
    await mine.sweep();
    expect(readdirSync(root).toSorted()).toEqual(['lab-held', 'lab-own']);
    held.release();
    own.release();
    await mine.sweep();
    expect(readdirSync(top)).toEqual([]);
  });

  test('removes old ones of other namespaces, too, but none that is held or young', async () => {
    const [mine, theirs] = [locks(), locks()];
    const here = root;
    root = join(top, 'vmnet', 'locks', '4026532001');
    const held = await theirs.take(['lab-held'], 'b', null);
    for (const name of ['lab-killed', 'lab-young']) writeFileSync(join(root, name), 'a (process 7)\n');
    for (const name of ['lab-killed', 'lab-held']) utimesSync(join(root, name), 1, 1);
    const [there, dead] = [root, join(root, '../4026532002')];
    mkdirSync(dead);
    writeFileSync(join(dead, 'lab-old'), '');
    utimesSync(join(dead, 'lab-old'), 1, 1);
    root = here;
    await mine.sweep();
    expect(readdirSync(join(top, 'vmnet', 'locks'))).toEqual(['4026532001']);
    expect(readdirSync(there).toSorted()).toEqual(['lab-held', 'lab-young']);
    held.release();
  });
});
