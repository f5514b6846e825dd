import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState } from '../host/model.js';
import type { Plan } from '../plan/model.js';
import type { Reporter, Stage } from '../report/reporter.js';
import { planStages, type Run, type StepResult } from './pipeline.js';
import { notRestored, rollBack } from './rollback.js';

/** What applying a plan needs from its surroundings. */
export interface ApplyContext {
  readonly drivers: Drivers;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Look at the host again, in the same way as before the plan was made. */
  readonly observe: () => Promise<HostState>;
}

/**
 * Carry a provision plan out. If a step, or one of the stages `after` it, throws or the signal comes, everything
 * is undone and the host compared with `before`.
 * @throws {VmnetError} the failure, or `not-restored` where the comparison shows a difference
 */
export async function applyProvision(
  plan: Plan,
  before: HostState,
  context: ApplyContext,
  after: readonly Stage[],
): Promise<StepResult[]> {
  const { drivers, reporter, signal } = context;
  const run: Run = { done: [], undo: [] };
  const former = before.records.find(record => record.name === plan.lab);
  try {
    if (plan.record && JSON.stringify(plan.record) !== JSON.stringify(former)) {
      await drivers.files.makeFolder(drivers.stateDir);
      await drivers.records.save(plan.record);
    }
    await reporter.stages([...planStages(plan, run, drivers, signal), ...after]);
  } catch (error) {
    await goBack(error as Error, plan, run, before, context);
    await (former ? drivers.records.save(former) : forget(plan.lab, drivers));
    throw restored(error as Error, run);
  }
  for (const path of plan.garbage) await drivers.files.remove(path);
  return run.done;
}

async function goBack(
  error: Error,
  plan: Plan,
  run: Run,
  before: HostState,
  context: ApplyContext,
): Promise<void> {
  if (run.undo.length === 0) return;
  await context.reporter.stages([
    {
      title: 'Undo',
      async run() {
        const rollback = await rollBack(run, before, context.drivers, context.observe);
        if (rollback.left.length > 0) throw notRestored(error, rollback, plan.lab);
        return 'the host is as it was';
      },
    },
  ]);
}

/** The same failure, with the word on what became of the host. */
function restored(error: Error, run: Run): Error {
  if (!(error instanceof VmnetError)) return error;
  const word =
    run.undo.length > 0
      ? 'Everything was undone; the host was looked at again and is as it was.'
      : 'Nothing was changed.';
  return new VmnetError(error.code, error.message, error.hint ? `${error.hint}\n${word}` : word, error);
}

/** Remove all that is kept of a lab. */
export async function forget(lab: string, drivers: Drivers): Promise<void> {
  for (const kind of ['consoles', 'disks']) await drivers.files.remove(`${drivers.stateDir}/${kind}/${lab}`);
  await drivers.records.remove(lab);
  // Folders that other labs use are not empty, and stay.
  const folders = ['consoles', 'disks', 'labs', 'batches'].map(kind => `${drivers.stateDir}/${kind}`);
  for (const folder of [...folders, drivers.stateDir]) await drivers.files.removeIfEmpty(folder);
}

/**
 * Carry a destroy plan out; `replan` looks again and says what is left to do. What is kept of the lab stays: see
 * {@link forget}.
 * @throws {VmnetError} `not-restored` where something is left
 */
export async function applyDestroy(
  plan: Plan,
  context: Omit<ApplyContext, 'observe'>,
  replan: () => Promise<Plan>,
): Promise<StepResult[]> {
  const run: Run = { done: [], undo: [] };
  let failure: Error | null = null;
  try {
    await context.reporter.stages(planStages(plan, run, context.drivers, context.signal));
  } catch (error) {
    failure = error as Error;
  }
  const left = (await replan()).phases.flatMap(phase => phase.steps.map(step => step.title));
  if (left.length > 0) throw unfinished(plan.lab, left, failure);
  if (failure) throw failure;
  return run.done;
}

function unfinished(lab: string, left: readonly string[], failure: Error | null): VmnetError {
  return new VmnetError(
    'not-restored',
    `the lab ${lab} is not wholly destroyed${failure ? `: ${failure.message}` : ''}`,
    ['Still to do:', ...left.map(title => `  ${title}`), `To finish: vmnet destroy ${lab}`].join('\n'),
    failure ?? undefined,
  );
}
