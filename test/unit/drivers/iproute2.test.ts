import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeIproute2, parseDocuments } from '../../../src/drivers/iproute2.js';
import { VmnetError } from '../../../src/errors.js';
import { fakeRun } from '../../fakes/run.js';

describe('what ip -j -batch prints', () => {
  test.each<[string, string, unknown]>([
    ['nothing', '', []],
    ['empty lists', '[]\n[]\n', [[], []]],
    ['empty objects for things that were filtered out', '[{},{"a":1},{}]', [[{ a: 1 }]]],
    ['lists without anything between', '[{"a":1}][{"b":[2,[3]]}]', [[{ a: 1 }], [{ b: [2, [3]] }]]],
    ['an empty line between', '[{"a":1}]\n\n[{"b":2}]\n', [[{ a: 1 }], [{ b: 2 }]]],
    ['brackets and quotes in strings', '[{"ifalias":"a]\\"[\\\\"}]\n[]', [[{ ifalias: 'a]"[\\' }], []]],
  ])('%s', (_, text, documents) => expect(parseDocuments(text)).toEqual(documents));

  test('a list without an end is dropped', () =>
    expect(parseDocuments('[{"a":1}]\n[{"b"')).toEqual([[{ a: 1 }]]));
});

describe('a batch', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vmnet-batch-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const files = () => (existsSync(join(folder, 'batches')) ? readdirSync(join(folder, 'batches')) : []);
  const fileIn = (command: string) => command.split(' ').at(-1) ?? '';

  const failing = (stderr: string) => {
    const fake = fakeRun(() => ({ exitCode: 1, stderr }));
    return makeIproute2(fake.run, join(folder, 'batches'));
  };

  async function failure(act: Promise<void>): Promise<VmnetError> {
    const error = await act.catch((reason: unknown) => reason);
    if (!(error instanceof VmnetError)) throw new Error(`expected a VmnetError, got ${String(error)}`);
    return error;
  }

  test('is a whole file, gone when it has run, and of no terminal', async () => {
    let text = '';
    const { run, calls } = fakeRun(command => {
      text = readFileSync(fileIn(command), 'utf8');
      return {};
    });
    await makeIproute2(run, join(folder, 'batches')).batch(['link set dev a up', 'link set dev b up']);
    expect(text).toBe('link set dev a up\nlink set dev b up\n');
    expect(calls[0]?.command).toMatch(/^ip -batch \S+$/);
    expect(calls[0]?.options).toMatchObject({ ownSession: true });
    expect(files()).toEqual([]);
  });

  test.each([
    [{}, /^ip -batch/],
    [{ family: 6 as const }, /^ip -6 -batch/],
    [{ force: true }, /^ip -force -batch/],
    [{ family: 6 as const, force: true }, /^ip -6 -force -batch/],
  ])('with %j is run as %s', async (options, command) => {
    const { run, calls } = fakeRun(() => ({}));
    await makeIproute2(run, join(folder, 'batches')).batch(['link set dev a up'], options);
    expect(calls[0]?.command).toMatch(command);
  });

  test('without lines is not run', async () => {
    const { run, calls } = fakeRun(() => ({}));
    await makeIproute2(run, join(folder, 'batches')).batch([]);
    expect(calls).toEqual([]);
  });

  test('that fails names the line it stopped at', async () => {
    const ip = failing('RTNETLINK answers: File exists\nCommand failed /state/batches/1-0.ip:2\n');
    const error = await failure(
      ip.batch(['link set dev a up', 'link add name b type bridge', 'link set dev b up']),
    );
    expect(error).toMatchObject({
      code: 'command-failed',
      message: '`ip link add name b type bridge`: RTNETLINK answers: File exists',
    });
    expect(files()).toEqual([]);
  });

  test.each([
    ['', 'ip -batch: no reason given'],
    ['Command failed x.ip:9\n', 'ip -batch: no reason given'],
    ['Cannot open file\n', 'ip -batch: Cannot open file'],
  ])('that fails with %j is told as it is', async (stderr, message) => {
    expect((await failure(failing(stderr).batch(['a']))).message).toBe(message);
  });

  test('that is not permitted says what is needed', async () => {
    const error = await failure(
      failing('RTNETLINK answers: Operation not permitted\nCommand failed x:1').batch(['a b']),
    );
    expect(error).toMatchObject({ code: 'permission', hint: expect.stringContaining('CAP_NET_ADMIN') });
  });

  test('that is forced does not throw; its caller looks again', async () => {
    await failing('RTNETLINK answers: File exists\nCommand failed x:1\n').batch(['a'], { force: true });
  });

  test('deletes links through a group that nobody is in', async () => {
    const batches: string[] = [];
    const { run } = fakeRun(command => {
      if (command.includes('show')) return { stdout: '[{"ifname":"lo","group":"default"},{"group":"7"}]' };
      batches.push(readFileSync(fileIn(command), 'utf8'));
      return {};
    });
    await makeIproute2(run, join(folder, 'batches')).deleteLinks(['vmnet.l.web.0', 'vmnet.l.br0']);
    expect(batches[0]).toMatch(
      /^link set dev vmnet\.l\.web\.0 group (\d+)\nlink set dev vmnet\.l\.br0 group \1\nlink del group \1\n$/,
    );
    expect(batches).toHaveLength(1);
  });
});
