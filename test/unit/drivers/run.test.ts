import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeRun } from '../../../src/drivers/run.js';

/** `ip` is one of the programs that are started by Node's own means, `other` is started by execa: both are scripts here. */

let bin: string;
let path: string | undefined;

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'vmnet-run-'));
  path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
});

afterEach(() => {
  process.env.PATH = path;
  rmSync(bin, { recursive: true });
});

const run = makeRun(() => {});

function script(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
}

describe.each(['ip', 'other'])('the program %s', name => {
  test('is told what it prints, each stream by itself, and its exit code', async () => {
    script(name, 'echo "out ä $1 $LC_ALL $EXTRA"; echo err >&2; exit 3');
    await expect(run(name, ['a b'], { allowFailure: true, env: { EXTRA: 'x' } })).resolves.toEqual({
      stdout: 'out ä a b C.UTF-8 x\n',
      stderr: 'err\n',
      exitCode: 3,
    });
  });

  test('throws with its complaint when it fails', async () => {
    script(name, 'echo "no such thing" >&2; exit 1');
    await expect(run(name, ['link', 'show'])).rejects.toMatchObject({
      code: 'command-failed',
      message: `\`${name} link show\`: no such thing`,
    });
    script(name, 'echo "Operation not permitted" >&2; exit 1');
    await expect(run(name, [])).rejects.toMatchObject({ code: 'permission' });
  });

  test('is fed its input, or nothing', async () => {
    script(name, 'cat');
    const input = 'x'.repeat(300_000);
    expect((await run(name, [], { input })).stdout).toBe(input);
    expect((await run(name, [])).stdout).toBe('');
  });

  test('need not read its input', async () => {
    script(name, 'exit 0');
    expect(await run(name, [], { input: 'x'.repeat(300_000) })).toMatchObject({ exitCode: 0 });
  });

  test('is killed at the end of its time', async () => {
    script(name, 'exec sleep 60');
    await expect(run(name, [], { timeoutMs: 100 })).rejects.toMatchObject({ code: 'timeout' });
  });

  test('that ends by a signal has failed', async () => {
    script(name, 'kill -9 $$');
    await expect(run(name, [], { allowFailure: true })).resolves.toMatchObject({ exitCode: -1 });
    await expect(run(name, [])).rejects.toMatchObject({ code: 'command-failed' });
  });

  test('inherits what is kept open, and has a session of its own where it is to', async () => {
    const file = join(bin, 'held');
    const fd = openSync(file, 'w');
    script(name, 'echo held >&3; cut -d" " -f6 /proc/$$/stat');
    const own = await run(name, [], { keepOpen: [fd], ownSession: true });
    const ours = readFileSync('/proc/self/stat', 'utf8').split(' ')[5];
    expect(readFileSync(file, 'utf8')).toBe('held\n');
    expect(own.stdout.trim()).not.toBe(ours);
    expect((await run(name, [], { keepOpen: [fd] })).stdout.trim()).toBe(ours);
  });
});

test.each(['ip', 'other'])('a program %s that is not there is missing', async name => {
  process.env.PATH = bin;
  await expect(run(name, [])).rejects.toMatchObject({ code: 'missing-tool' });
});

test('whatever may be cancelled can be', async () => {
  script('ip', 'exec sleep 60');
  const abort = new AbortController();
  const ended = expect(run('ip', [], { signal: abort.signal })).rejects.toMatchObject({
    code: 'interrupted',
  });
  abort.abort();
  await ended;
});

test('calls are traced with what they took in and gave out', async () => {
  script('ip', 'cat; exit 2');
  const told: unknown[] = [];
  const traced = makeRun(entry => told.push(entry));
  await traced('ip', ['-batch', '-'], { input: 'link show\n', allowFailure: true });
  expect(told).toEqual([
    { what: 'ip -batch -', detail: 'link show\n', ms: expect.any(Number), outcome: 'exit 2\nlink show\n' },
  ]);
});
