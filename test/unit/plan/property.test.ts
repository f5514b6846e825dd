import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planStages, type Run } from '../../../src/apply/pipeline.js';
import { rollBack } from '../../../src/apply/rollback.js';
import type { HostState } from '../../../src/host/model.js';
import { difference } from '../../../src/host/normalise.js';
import type { Lab } from '../../../src/lab/model.js';
import { describePlan } from '../../../src/plan/describe.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import { keptDisks } from '../../../src/plan/disks.js';
import type { Plan } from '../../../src/plan/model.js';
import { planProvision } from '../../../src/plan/plan.js';
import { anyHost } from '../../fakes/arbitrary.js';
import { anyLab } from '../../fakes/arbitrary-lab.js';
import { FORWARDING } from '../../fakes/counterexamples.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { type FakeHost, STATE_DIR } from '../../fakes/host.js';
import { carryOut, labFrom, renderContext } from '../../fakes/labs.js';

const RUNS = { numRuns: 200 };

function provisionPlan(lab: Lab, host: FakeHost) {
  const seen = host.observe();
  return planProvision(lab, seen, renderContext(lab, seen), { yes: true, restart: true });
}

const destroyPlan = (host: FakeHost) => planDestroy('random', host.observe(), STATE_DIR);

/** Notes may follow it. */
const heading = (plan: Plan) => describePlan(plan).split('\n')[0];

const NOTHING_TO_DO = 'random: nothing to do, the host is as the lab says';

describe('a plan for any lab on any host', { timeout: 60_000 }, () => {
  test('leaves nothing to do, and can be destroyed without a trace', async () => {
    await fc.assert(
      fc.asyncProperty(anyLab, anyHost, async (file, description) => {
        const [lab, host] = [labFrom(file), await hostFrom(description)];
        const before = host.observe();
        await carryOut(provisionPlan(lab, host), host);
        expect(heading(provisionPlan(lab, host))).toBe(NOTHING_TO_DO);
        await carryOut(destroyPlan(host), host);
        expect(difference(before, host.observe())).toEqual([]);
        expect(traces(host)).toEqual([]);
        expect(destroyPlan(host).phases).toEqual([]);
      }),
      RUNS,
    );
  });

  // The last call that still works; a whole plan has up to about 150.
  const last = fc.oneof(fc.nat({ max: 150 }), fc.constant(Number.POSITIVE_INFINITY));

  /** What a lab's file said, one after the other. */
  const someLabs = fc.array(anyLab, { minLength: 1, maxLength: 3 });

  test('can be undone, wherever it stopped', async () => {
    await fc.assert(
      fc.asyncProperty(anyLab, anyHost, last, async (file, description, calls) => {
        const [lab, host] = [labFrom(file), await hostFrom(description)];
        const before = host.observe();
        const run = await stopAfter(calls, lab, host);
        const { left, failures } = await rollBack(run, before, host.drivers, async () => host.observe());
        expect({ left, failures }).toEqual({ left: [], failures: [] });
        expect(disksOf(host)).toEqual([]);
      }),
      RUNS,
    );
  });

  test('turns one lab into another, and the last is destroyed without a trace', async () => {
    await fc.assert(
      fc.asyncProperty(someLabs, anyHost, async (files, description) => {
        const host = await hostFrom(description);
        const before = host.observe();
        for (const file of files) await carryOut(provisionPlan(labFrom(file), host), host);
        expect(heading(provisionPlan(labFrom(files.at(-1) ?? {}), host))).toBe(NOTHING_TO_DO);
        await carryOut(destroyPlan(host), host);
        expect(difference(before, host.observe())).toEqual([]);
        expect(traces(host)).toEqual([]);
      }),
      {
        ...RUNS,
        examples: FORWARDING,
      },
    );
  });

  test('that turns one lab into another can be undone, wherever it stopped', async () => {
    await fc.assert(
      fc.asyncProperty(anyLab, someLabs, anyHost, last, async (next, files, description, calls) => {
        const host = await hostFrom(description);
        for (const file of files) await carryOut(provisionPlan(labFrom(file), host), host);
        const before = host.observe();
        const run = await stopAfter(calls, labFrom(next), host);
        const { left, failures } = await rollBack(run, before, host.drivers, async () => host.observe());
        expect({ left, failures }).toEqual({ left: [], failures: [] });
        expect(byName(host.observe())).toEqual(byName(before));
        // Those of a former image may be gone by now; none that a guest has may.
        expect(disksOf(host)).toEqual(expect.arrayContaining(disksInUse(host)));
      }),
      RUNS,
    );
  });
});

/** Files that nothing says to keep. */
function traces(host: FakeHost): string[] {
  const kept = keptDisks([...host.files]);
  return [...host.files].filter(file => !kept.includes(file) && !file.endsWith('/keep'));
}

const disksOf = (host: FakeHost) => [...host.files].filter(file => file.includes('/disks/')).sort();

const disksInUse = (host: FakeHost) =>
  [...host.domains.values()].flatMap(({ xml }) => (xml ?? '').match(/[^"]+\/disks\/[^"]+/g) ?? []);

/** Domains whole: what they run, too. */
const byName = ({ libvirt }: HostState) =>
  [...(libvirt?.domains ?? [])].sort((a, b) => a.name.localeCompare(b.name));

/** Carry a plan out until the driver call of that number, which fails. */
async function stopAfter(last: number, lab: Lab, host: FakeHost): Promise<Run> {
  const run: Run = { done: [], undo: [] };
  const started = host.calls.length;
  host.fault = () => (host.calls.length - started > last ? new Error('the power of this test ended') : null);
  const stages = planStages(provisionPlan(lab, host), run, host.drivers, new AbortController().signal);
  try {
    for (const stage of stages) await stage.run(() => {});
  } catch (error) {
    expect((error as Error).message).toContain('the power of this test ended');
  }
  host.fault = () => null;
  return run;
}
