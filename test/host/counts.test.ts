import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// What a run costs in processes and calls, by size of the lab. Counts are asserted, never times.

const LIBRARY = fileURLToPath(new URL('../support/count-calls.mjs', import.meta.url));
const INDEX = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

const lab = (vms: number, nics: number) => {
  const vm = { boot: 'probe', nics: Array.from({ length: nics }, () => ({ bridge: 'br0' })) };
  const list = Array.from({ length: vms }, (_, i) => [`vm${i}`, vm]);
  const content = {
    name: 'counted',
    bridges: { br0: { uplink: 'eth0' } },
    vms: Object.fromEntries(list),
  };
  return box.lab(content, `${vms}x${nics}.json`);
};

/** Names of files that differ from run to run. */
const plain = (line: string) => line.replace(/\d+-(\d+)\.ip/, '$1.ip').replace(/\b\d{6,}\b/, 'GROUP');

describe('processes', () => {
  /** Programs that vmnet says it started, and those that the kernel started; some run side by side, so in no order. */
  async function started(words: readonly string[]): Promise<{ told: string[]; seen: string[] }> {
    const [debug, trace] = [`${box.folder}/debug`, `${box.folder}/trace`];
    const prefix = ['strace', '-f', '-qq', '-e', 'trace=execve', '-e', 'status=successful', '-o', trace];
    const answer = await box.vmnetIn(prefix, '--debug', debug, ...words);
    expect([answer.code, answer.json.error]).toEqual([0, null]);
    const lines = async (file: string) => (await box.run('cat', file)).split('\n');
    return {
      told: (await lines(debug))
        .filter(line => /^[a-z]/.test(line))
        .map(plain)
        .sort(),
      seen: (await lines(trace)).flatMap(line => /execve\("[^"]*?([^/"]+)"/.exec(line)?.[1] ?? []).sort(),
    };
  }

  async function costs(vms: number, nics: number) {
    const file = await lab(vms, nics);
    return {
      plan: await started(['plan', '--network-only', file]),
      provision: await started(['provision', '--network-only', file]),
      again: await started(['provision', '--network-only', file]),
      destroy: await started(['destroy', 'counted']),
    };
  }

  it.each([
    ['100 VMs', 100, 1],
    ['10 VMs with 30 NICs each', 10, 30],
  ])('%s take as many as 10 with one', async (_, vms, nics) => {
    const few = await costs(10, 1);
    expect(await costs(vms, nics)).toEqual(few);
    expect(few.provision.told.filter(line => line.startsWith('ip -batch')).length).toBeLessThan(10);
    // Node itself and two looks at the host; locks that are free take no process.
    expect(few.again.seen).toEqual(['ip', 'ip', 'node']);
  });
});

interface Cost {
  /** Calls to libvirt by name of what they do, without the domain. */
  readonly calls: Readonly<Record<string, number>>;
  /** Programs by name, and what is written by a child of ours. */
  readonly programs: Readonly<Record<string, number>>;
}

describe('guests', () => {
  /** They are defined, not started: that is counted in test/unit/apply/pipeline.test.ts. */
  async function costs(vms: number): Promise<Record<'define' | 'again' | 'destroy', Cost>> {
    return JSON.parse(await box.run(process.execPath, LIBRARY, INDEX, await lab(vms, 1)));
  }

  it('take one call each to be defined or removed, none where they are as they should be, and no process', async () => {
    const few = await costs(10);
    const many = await costs(100);
    expect(few.define.calls).toMatchObject({ 'define domain': 10 });
    expect(many.define.calls).toEqual({ ...few.define.calls, 'define domain': 100 });
    expect(Object.keys(few.again.calls)).not.toContain('define domain');
    expect(many.again.calls).toEqual(few.again.calls);
    expect(few.destroy.calls).toMatchObject({ 'undefine domain': 10 });
    expect(many.destroy.calls).toEqual({ ...few.destroy.calls, 'undefine domain': 100 });
    // Apart from those: a connection and a few looks, however many guests.
    expect(sum(few.define.calls) - 10).toBeLessThan(5);
    for (const stage of ['define', 'again', 'destroy'] as const)
      expect(many[stage].programs).toEqual(few[stage].programs);
  });
});

const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((all, count) => all + count, 0);
