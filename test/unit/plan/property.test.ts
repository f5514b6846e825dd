import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planStages, type Run } from '../../../src/apply/pipeline.js';
import { rollBack } from '../../../src/apply/rollback.js';
import { difference } from '../../../src/host/normalise.js';
import type { Lab } from '../../../src/lab/model.js';
import { describePlan } from '../../../src/plan/describe.js';
import { planDestroy, planProvision } from '../../../src/plan/plan.js';
import { anyChange, anyHost, anyLab } from '../../fakes/arbitrary.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { type FakeHost, STATE_DIR } from '../../fakes/host.js';
import { carryOut, labFrom, renderContext } from '../../fakes/labs.js';

const RUNS = { numRuns: 300 };

function provisionPlan(lab: Lab, host: FakeHost) {
  const seen = host.observe();
  return planProvision(lab, seen, renderContext(lab, seen), { yes: true, restart: true });
}

const destroyPlan = (host: FakeHost) => planDestroy('random', host.observe(), STATE_DIR);

const NOTHING_TO_DO = 'random: nothing to do, the host is as the lab says';

describe('a plan for any lab on any host', { timeout: 60_000 }, () => {
  test('leaves nothing to do, and can be destroyed without a trace', async () => {
    await fc.assert(
      fc.asyncProperty(anyLab, anyHost, async (file, description) => {
        const [lab, host] = [labFrom(file), await hostFrom(description)];
        const before = host.observe();
        await carryOut(provisionPlan(lab, host), host);
        expect(describePlan(provisionPlan(lab, host))).toBe(NOTHING_TO_DO);
        await carryOut(destroyPlan(host), host);
        expect(difference(before, host.observe())).toEqual([]);
        expect([...host.files]).toEqual([]);
        expect(destroyPlan(host).phases).toEqual([]);
      }),
      RUNS,
    );
  });

  test('can be undone, wherever it stopped', async () => {
    // The last call that still works; a whole plan has up to about 150.
    const last = fc.oneof(fc.nat({ max: 150 }), fc.constant(Number.POSITIVE_INFINITY));
    await fc.assert(
      fc.asyncProperty(anyLab, anyHost, last, async (file, description, calls) => {
        const [lab, host] = [labFrom(file), await hostFrom(description)];
        const before = host.observe();
        const run = await stopAfter(calls, lab, host);
        const { left, failures } = await rollBack(run, before, host.drivers, async () => host.observe());
        expect({ left, failures }).toEqual({ left: [], failures: [] });
      }),
      RUNS,
    );
  });

  test('turns one lab into another, and the last is destroyed without a trace', async () => {
    await fc.assert(
      fc.asyncProperty(anyChange, anyHost, async ([first, second], description) => {
        const host = await hostFrom(description);
        const before = host.observe();
        const [one, two] = [labFrom(first), labFrom(second)];
        await carryOut(provisionPlan(one, host), host);
        await carryOut(provisionPlan(two, host), host);
        expect(describePlan(provisionPlan(two, host))).toBe(NOTHING_TO_DO);
        await carryOut(destroyPlan(host), host);
        expect(difference(before, host.observe())).toEqual([]);
      }),
      RUNS,
    );
  });
});

/** Carry a plan out until the driver call of that number, which fails. */
async function stopAfter(last: number, lab: Lab, host: FakeHost): Promise<Run> {
  const run: Run = { done: [], undo: [] };
  host.fault = () => (host.calls.length > last ? new Error('the power of this test ended') : null);
  const stages = planStages(provisionPlan(lab, host), run, host.drivers, new AbortController().signal);
  try {
    for (const stage of stages) await stage.run(() => {});
  } catch (error) {
    expect((error as Error).message).toContain('the power of this test ended');
  }
  host.fault = () => null;
  return run;
}
