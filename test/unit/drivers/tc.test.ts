import { expect, test } from 'vitest';
import { makeTrafficControl } from '../../../src/drivers/tc.js';
import { fakeRun } from '../../fakes/run.js';

const noScript = () => Promise.reject(new Error('no script is run'));

test('filters come in the order of their places, in one process', async () => {
  const { run, calls } = fakeRun(() => ({ stdout: '[{"kind":"u32"}]\n[]\n[{"kind":"bpf"}]\n' }));
  const places = [
    { dev: 'eth0', at: 'ingress' },
    { dev: 'eth0', at: 'egress' },
    { dev: 'eth1', at: 'root' },
  ] as const;
  expect(await makeTrafficControl(run, noScript).filters(places)).toEqual([
    [{ kind: 'u32' }],
    [],
    [{ kind: 'bpf' }],
  ]);
  expect(calls).toMatchObject([
    {
      command: 'tc -j -batch -',
      options: {
        input: 'filter show dev eth0 ingress\nfilter show dev eth0 egress\nfilter show dev eth1\n',
      },
    },
  ]);
});

test('where there are no places, nothing is asked; where tc fails, nothing is there', async () => {
  const { run, calls } = fakeRun(() => ({ stdout: '[', exitCode: 1 }));
  expect(await makeTrafficControl(run, noScript).filters([])).toEqual([]);
  expect(calls).toEqual([]);
  expect(await makeTrafficControl(run, noScript).qdiscs()).toEqual([]);
});

test('lines are one batch; the line that failed is named', async () => {
  const scripts: unknown[] = [];
  const { run } = fakeRun(() => ({ stdout: '' }));
  const runScript = async (...asked: unknown[]) => {
    scripts.push(asked);
    return {
      stdout: '',
      stderr: 'Error: Specified qdisc kind is unknown.\nCommand failed x:2\n',
      exitCode: 1,
    };
  };
  const tc = makeTrafficControl(run, runScript);
  await expect(tc.batch(['qdisc add dev a root tbf', 'qdisc add dev b root netem'])).rejects.toMatchObject({
    code: 'command-failed',
    message: '`tc qdisc add dev b root netem`: Error: Specified qdisc kind is unknown.',
  });
  await tc.batch(['qdisc del dev a root'], { force: true });
  await tc.batch([]);
  expect(scripts).toEqual([
    ['tc', ['-batch'], 'qdisc add dev a root tbf\nqdisc add dev b root netem\n', { undoing: false }],
    ['tc', ['-force', '-batch'], 'qdisc del dev a root\n', { undoing: true }],
  ]);
});
