import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Run, planStages } from '../../../src/apply/pipeline.js';
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

const undo = (run: Run, host: FakeHost, before = host.observe()) =>
  rollBack(run, before, host.drivers, async () => host.observe());

const NOTHING = { left: [], failures: [] };

describe('a plan for any lab on any host', () => {
  test('once carried out, leaves nothing to do', async () => {
    await fc.assert(
      fc.asyncProperty(anyLab, anyHost, async (file, description) => {
        const [lab, host] = [labFrom(file), await hostFrom(description)];
        await carryOut(provisionPlan(lab, host), host);
        expect(describePlan(provisionPlan(lab, host))).toBe('random: nothing to do, the host is as the lab says');
      }),
      RUNS,
    );
  });

  test('can be undone', async () => {
    await fc.assert(
      fc.asyncProperty(anyLab, anyHost, async (file, description) => {
        const [lab, host] = [labFrom(file), await hostFrom(description)];
        const before = host.observe();
        const run = await carryOut(provisionPlan(lab, host), host);
        expect(await undo(run, host, before)).toEqual(NOTHING);
      }),
      RUNS,
    );
  });

  test('can be destroyed, and destroyed again', async () => {
    await fc.assert(
      fc.asyncProperty(anyLab, anyHost, async (file, description) => {
        const [lab, host] = [labFrom(file), await hostFrom(description)];
        const before = host.observe();
        await carryOut(provisionPlan(lab, host), host);
        await carryOut(planDestroy(lab.name, host.observe(), STATE_DIR), host);
        expect(difference(before, host.observe())).toEqual([]);
        expect([...host.files]).toEqual([]);
        expect(planDestroy(lab.name, host.observe(), STATE_DIR).phases).toEqual([]);
      }),
      RUNS,
    );
  });

  test('can be undone from wherever it stopped', async () => {
    await fc.assert(
      fc.asyncProperty(anyLab, anyHost, fc.nat({ max: 150 }), async (file, description, last) => {
        const [lab, host] = [labFrom(file), await hostFrom(description)];
        const before = host.observe();
        const run = await stopAfter(last, lab, host);
        const { left } = await undo(run, host, before);
        expect(left).toEqual([]);
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
        expect(describePlan(provisionPlan(two, host))).toContain('nothing to do');
        await carryOut(planDestroy(two.name, host.observe(), STATE_DIR), host);
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
