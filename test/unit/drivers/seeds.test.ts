import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFiles } from '../../../src/drivers/files.js';
import { makeSeeds } from '../../../src/drivers/seeds.js';
import { VmnetError } from '../../../src/errors.js';
import { fakeRun } from '../../fakes/run.js';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'vmnet-seeds-'));
});
afterEach(() => rmSync(top, { recursive: true }));

const missing = (program: string) =>
  new VmnetError('missing-tool', `the program ${program} is not installed`);
const outputOf = (command: string) => /-output (\S+)/.exec(command)?.[1] ?? '';

test('a seed is made by whichever program is there, of files that nobody else may read', async () => {
  const { run, calls } = fakeRun(command => {
    if (command.startsWith('xorriso')) throw missing('xorriso');
    const sources = command.split(' ').slice(-2);
    expect(sources.map(path => (statSync(path).mode & 0o777).toString(8))).toEqual(['600', '600']);
    expect(sources.map(path => readFileSync(path, 'utf8'))).toEqual(['meta', 'secret']);
    writeFileSync(outputOf(command), 'iso');
    return {};
  });
  const path = join(top, 'vm', 'seed.iso');
  await makeSeeds(run, makeFiles()).make(path, { 'meta-data': 'meta', 'user-data': 'secret' });
  expect(readFileSync(path, 'utf8')).toBe('iso');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(top, 'vm'))).toEqual(['seed.iso']);
  expect(calls.map(({ command }) => command).join()).toMatch(/genisoimage .*-volid cidata/);
  expect(calls.map(({ command }) => command).join()).not.toContain('secret');
});

test('without any such program the error names both, and nothing is left', async () => {
  const { run } = fakeRun(command => {
    throw missing(command);
  });
  const path = join(top, 'seed.iso');
  await expect(makeSeeds(run, makeFiles()).make(path, { 'user-data': 'secret' })).rejects.toMatchObject({
    code: 'missing-tool',
    message: expect.stringMatching(/xorriso.*genisoimage/),
  });
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(top)).toEqual([]);
});
