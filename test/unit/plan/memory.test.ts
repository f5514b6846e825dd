import { expect, test } from 'vitest';
import type { LabRecord } from '../../../src/host/model.js';
import { findMemoryClashes, memoryProblems } from '../../../src/plan/clashes/memory.js';
import type { PlanProblem } from '../../../src/plan/problems.js';
import { planStart } from '../../../src/plan/start.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { STATE_DIR } from '../../fakes/host.js';
import { labFrom } from '../../fakes/labs.js';

const nics = [{ bridge: 'br0' }];
const FILE = {
  version: 1,
  name: 'homelab',
  bridges: { br0: {} },
  vms: { web: { boot: 'probe', memory: '2GiB', nics }, db: { boot: 'probe', memory: '1GiB', nics } },
};

const FIX =
  'Give the VMs less "memory", end what is not needed, or repeat the command with --yes if they will never use all of it.';

async function clashes(memory: { available: number; swap: number } | null, web = 'shutoff') {
  const host = await hostFrom({ applied: [FILE], states: { 'homelab-web': web, 'homelab-db': 'shutoff' } });
  const problems: PlanProblem[] = [];
  findMemoryClashes(labFrom(FILE), { ...host.observe(), memory }, problems);
  return problems.map(({ message, fix }) => [message, fix]);
}

test('guests that would have more memory than the host has left are refused with the numbers', async () => {
  const message =
    'the 2 guests of homelab to be started would have 3072 MiB of memory (web 2048, db 1024); this host has';
  expect(await clashes({ available: 3071, swap: 0 })).toEqual([[`${message} 3071 MiB left`, FIX]]);
  expect(await clashes({ available: 2000, swap: 500 })).toEqual([
    [`${message} 2000 MiB left, and 500 MiB of swap`, FIX],
  ]);
});

test('guests that run have taken theirs', async () => {
  expect(await clashes({ available: 1024, swap: 0 }, 'running')).toEqual([]);
  expect(await clashes({ available: 1023, swap: 0 }, 'running')).toEqual([
    ['the guest db of homelab to be started would have 1024 MiB of memory; this host has 1023 MiB left', FIX],
  ]);
});

test('of many guests, those are named that ask for most', () => {
  const vm = (memory: number) => ({ boot: 'probe', memory, nics });
  const vms = { a: vm(128), b: vm(4096), c: vm(128), d: vm(2048), e: vm(256) };
  const lab = labFrom({ ...FILE, vms });
  const [problem] = memoryProblems('homelab', lab.vms, { memory: { available: 6000, swap: 0 } });
  expect(problem?.message).toBe(
    'the 5 guests of homelab to be started would have 6656 MiB of memory (b 4096, d 2048, e 256 and 2 more); this host has 6000 MiB left',
  );
});

test('vmnet start asks for the memory of those guests alone which it starts', async () => {
  const host = await hostFrom({
    applied: [FILE],
    states: { 'homelab-web': 'shutoff', 'homelab-db': 'shutoff' },
  });
  const record = host.records.get('homelab') as LabRecord;
  const seen = { ...host.observe(), memory: { available: 1500, swap: 0 } };
  const started = (names: readonly string[], yes: boolean) =>
    planStart(record, names, seen, STATE_DIR, yes).phases.flatMap(({ steps }) =>
      steps.map(({ title }) => title),
    );
  expect(started(['db'], false)).toEqual(['start homelab-db']);
  expect(() => started(['web'], false)).toThrow(
    'the guest web of homelab to be started would have 2048 MiB of memory; this host has 1500 MiB left',
  );
  expect(started(['web'], true)).toEqual(['start homelab-web']);
});

test.each([
  ['that fit', { available: 3072, swap: 0 }],
  ['that fit with swap', { available: 72, swap: 3000 }],
  ['on a host that does not tell', null],
])('guests %s are let be', async (_, memory) => expect(await clashes(memory)).toEqual([]));
