import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainNetwork } from '../../src/sandbox/network.js';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { anyBytes, anyEditedBytes, anyKeywordText, anyMutatedText } from '../fakes/arbitrary-text.js';
import { type Answer, Box } from '../support/box.js';

// Lab files that come from anyone, given to the real program on a real kernel.

let box: Box;
let before: Snapshot;

beforeAll(async () => {
  // A host whose NICs bear words of ip(8).
  box = await Box.up([plainNetwork('name'), plainNetwork('dev')]);
  before = await box.snapshot();
});

afterAll(() => box?.down());

const seed = Number(process.env.VMNET_FUZZ_SEED ?? 1);
const some = <T>(texts: fc.Arbitrary<T>, numRuns: number) => fc.sample(texts, { seed, numRuns });

const HOSTILE: readonly (string | Buffer)[] = [
  ...some(anyKeywordText, 8),
  ...some(anyMutatedText, 10),
  ...some(anyEditedBytes, 8),
  ...some(anyBytes, 4),
];

/** Never a bug, one document, and a refusal says why and what to do. */
function checkAnswer({ code, json, stderr }: Answer, allowed: readonly number[]): void {
  expect(stderr).toBe('');
  expect({ allowed, code, error: json.error }).toMatchObject({ allowed: expect.arrayContaining([code]) });
  expect([json.ok, json.error === null]).toEqual([code === 0, code === 0]);
  if (code === 0) return;
  expect(json.error.hint).toMatch(/\S/);
  expect(json.error.code).not.toBe('bug');
}

describe(`a hostile file (seed ${seed})`, () => {
  it('is refused with exit 2 or planned, and changes nothing', { timeout: 300_000 }, async () => {
    let refused = 0;
    for (const [n, content] of HOSTILE.entries()) {
      const file = join(box.folder, `hostile-${n}.json`);
      await writeFile(file, content);
      const [validated, ...others] = await Promise.all([
        box.vmnet('validate', file),
        box.vmnet('plan', '--network-only', file),
        box.vmnet('provision', '--network-only', '--dry-run', file),
        box.vmnet('xml', file),
      ]);
      checkAnswer(validated, [0, 2]);
      // A good lab may lack its uplink here, or have it in use.
      for (const other of others) checkAnswer(other, validated.code === 0 ? [0, 1, 2] : [2]);
      if (validated.code === 0) continue;
      refused++;
      checkAnswer(await box.vmnet('provision', file), [2]);
    }
    expect(refused).toBeGreaterThan(10);
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('is none for its names alone: words of ip(8) are made, left alone and unmade', async () => {
    const nic = (bridge: string, tap: string) => ({ bridge, tap, queues: 2 });
    const lab = await box.lab({
      name: 'type',
      bridges: {
        master: { uplink: 'name', bridgeNetfilter: 'off' },
        '0x1': { uplink: 'dev' },
        help: { address: ['203.0.113.1/24', 'fd00:77::1/64'], stp: true, multicastSnooping: false },
      },
      vms: {
        group: { boot: 'probe', nics: [nic('master', 'up'), nic('help', 'toString'), nic('0x1', 'none')] },
        altname: {
          boot: 'probe',
          nics: [nic('help', 'constructor'), nic('help', 'any'), { bridge: 'help' }],
        },
        if2: { boot: 'probe', nics: [{ bridge: 'master' }] },
      },
    });
    const made = await box.vmnet('provision', '--network-only', '--yes', lab);
    expect([made.code, made.json.error]).toEqual([0, null]);
    expect((await box.vmnet('provision', '--network-only', lab)).json).toMatchObject({
      ok: true,
      changed: 0,
    });
    const unmade = await box.vmnet('destroy', '--network-only', 'type');
    expect([unmade.code, unmade.json.error]).toEqual([0, null]);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('no file', () => {
  /** Ended within the time that a person would wait, whatever the machine is doing: the test's own limit is longer. */
  const refusal = async (file: string) => {
    const answer = await box.vmnetIn(['timeout', '20'], 'validate', file);
    checkAnswer(answer, [2]);
    expect(answer.json.error.message).toContain('lab file');
    return `${answer.json.error.message}; ${answer.json.error.hint}`;
  };

  it('a pipe that nobody writes to', async () => {
    const pipe = join(box.folder, 'silent');
    await box.run('mkfifo', pipe);
    expect(await refusal(pipe)).toMatch(
      /silent" is no plain file, and nothing came in 10 seconds; start what writes/,
    );
  });

  it('a pipe that is held open and says nothing more', async () => {
    const pipe = join(box.folder, 'slow');
    await box.run('mkfifo', pipe);
    const writer = spawn('sh', ['-c', 'exec 3<>"$0"; printf "{" >&3; exec sleep 60', pipe]);
    try {
      expect(await refusal(pipe)).toMatch(/slow" is no plain file, and no end of it came/);
    } finally {
      writer.kill('SIGKILL');
      await once(writer, 'close');
    }
  });

  it('200 MB, an endless device, a circle of links, a folder', async () => {
    const huge = join(box.folder, 'huge.json');
    await box.run('truncate', '-s', '200M', huge);
    await box.run('ln', '-s', 'two', join(box.folder, 'one'));
    await box.run('ln', '-s', 'one', join(box.folder, 'two'));
    expect(await refusal(huge)).toContain('larger than 1 MiB');
    expect(await refusal('/dev/zero')).toContain('larger than 1 MiB');
    expect(await refusal('/dev/null')).toContain('empty');
    expect(await refusal(join(box.folder, 'one'))).toContain('circle');
    expect(await refusal(box.folder)).toContain('is a folder');
  });

  it('gone before it is read, or its folder is', async () => {
    expect(await refusal(join(box.folder, 'gone', 'lab.json'))).toMatch(/does not exist; check the path/);
  });
});
