import { expect, test } from 'vitest';
import { makeTrafficControl } from '../../../src/drivers/tc.js';
import { fakeRun } from '../../fakes/run.js';

test('filters come in the order of their places, in one process', async () => {
  const { run, calls } = fakeRun(() => ({ stdout: '[{"kind":"u32"}]\n[]\n[{"kind":"bpf"}]\n' }));
  const places = [
    { dev: 'eth0', at: 'ingress' },
    { dev: 'eth0', at: 'egress' },
    { dev: 'eth1', at: 'root' },
  ] as const;
  expect(await makeTrafficControl(run).filters(places)).toEqual([[{ kind: 'u32' }], [], [{ kind: 'bpf' }]]);
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
  expect(await makeTrafficControl(run).filters([])).toEqual([]);
  expect(calls).toEqual([]);
  expect(await makeTrafficControl(run).qdiscs()).toEqual([]);
});
