import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState } from '../host/model.js';
import type { Phase, Plan } from '../plan/model.js';
import type { Reporter, Stage } from '../report/reporter.js';
import { awaitConfirmation, type Question } from './confirm.js';
import { beginJournal, confirm, phaseBegins, untilGuarded } from './journal.js';
import { type PhaseHooks, planStages, type Run, type StepResult } from './pipeline.js';
import { type Peer, stillReached, whomToReach } from './reach.js';
import { putBack, recover } from './recover.js';
import { notRestored, rollBack } from './rollback.js';

/** What applying a plan needs from its surroundings. */
export interface ApplyContext {
  readonly drivers: Drivers;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Look at the host again, in the same way as before the plan was made. */
  readonly observe: () => Promise<HostState>;
  /** Start a process that undoes the run if it dies while an uplink moves; null goes without. */
  readonly startGuard: ((lab: string) => Promise<Guard>) | null;
  /** Ask a person whether a moved uplink is to stay. */
  readonly question?: Question | null;
  /** Called once the lab's record tells others what is ours, before the first step. */
  readonly recorded?: () => void;
  /** Peers of the lab that do not answer beforehand are passed over instead of refused. */
  readonly lenient?: boolean;
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
  const changes = plan.phases.length > 0;
  let guard: Guard | null = null;
  try {
    if (changes) await drivers.files.makeFolder(drivers.stateDir);
    if (changes) await beginJournal(plan, before, drivers);
    if (plan.record && JSON.stringify(plan.record) !== JSON.stringify(former))
      await drivers.records.save(plan.record);
    context.recorded?.();
    // Early, so that it is there when the uplink's turn comes.
    if (plan.moves.length > 0 && context.startGuard) guard = await context.startGuard(plan.lab);
    const reached =
      plan.moves.length > 0 ? await whomToReach(plan, before, context.lenient ?? false, drivers) : [];
    const hooks = provisionHooks(plan, reached, guard, context);
    await reporter.stages([...planStages(plan, run, drivers, signal, hooks), ...after]);
    await drivers.journals.end(plan.lab);
  } catch (error) {
    await goBack(error as Error, plan, run, before, context);
    const unwritten = await putBack(plan.lab, former ?? null, drivers).then(
      () => null,
      (reason: Error) => reason,
    );
    // Until the journal is gone a guard goes on, and it is we whom it would wait for.
    if (unwritten === null) await guard?.ended();
    throw restored(error as Error, plan.lab, run, unwritten);
  }
  for (const path of plan.garbage) await drivers.files.remove(path);
  return run.done;
}

/** A process that watches a run from outside. */
export interface Guard {
  /** Wait until it has ended; returns at once where that cannot be seen. */
  ended(): Promise<void>;
}

/** Write each phase down before it begins; move an uplink only under guard, and tell the guard once all is well. */
function provisionHooks(
  plan: Plan,
  reached: readonly Peer[],
  guard: Guard | null,
  context: ApplyContext,
): PhaseHooks {
  const { drivers, question } = context;
  const moving = (phase: Phase) => phase.name === 'uplink' && plan.moves.length > 0;
  const now = (dev: string) => plan.moves.find(move => move.from === dev)?.to ?? dev;
  return {
    async before(phase) {
      if (moving(phase) && guard) await untilGuarded(plan.lab, drivers);
      await phaseBegins(plan, phase, drivers);
    },
    async after(phase, tell) {
      if (!moving(phase)) return;
      if (reached.length > 0)
        tell(`does the host still reach ${reached.map(peer => peer.address).join(', ')}?`);
      await stillReached(reached, now, drivers);
      if (question) await awaitConfirmation(plan, question, context, tell);
      await confirm(plan.lab, drivers);
    },
  };
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
function restored(error: Error, lab: string, run: Run, unwritten: Error | null): Error {
  if (!(error instanceof VmnetError)) return error;
  const words = [
    ...(error.hint ? [error.hint] : []),
    run.undo.length > 0
      ? 'Everything was undone; the host was looked at again and is as it was.'
      : 'Nothing was changed.',
    ...(unwritten
      ? [`What was written down is still there: ${unwritten.message}`, `To finish: vmnet recover ${lab}`]
      : []),
  ];
  return new VmnetError(error.code, error.message, words.join('\n'), error);
}

/**
 * Carry a destroy plan out; `replan` looks again and says what is left to do. What is kept of the lab stays: see
 * {@link forget}.
 * @throws {VmnetError} `not-restored` where something is left
 */
export async function applyDestroy(
  plan: Plan,
  before: HostState,
  context: Omit<ApplyContext, 'startGuard' | 'question' | 'lenient' | 'recorded'>,
  replan: () => Promise<Plan>,
): Promise<StepResult[]> {
  const { drivers, reporter, signal } = context;
  const run: Run = { done: [], undo: [] };
  const hooks: PhaseHooks = { before: phase => phaseBegins(plan, phase, drivers), after: async () => {} };
  let failure: Error | null = null;
  try {
    await beginJournal(plan, before, drivers);
    await reporter.stages(planStages(plan, run, drivers, signal, hooks));
    await drivers.journals.end(plan.lab);
  } catch (error) {
    failure = error as Error;
    // What was taken from a bridge must arrive at its uplink, whatever refused.
    await recover(plan.lab, drivers, context.observe).catch(() => {});
  }
  const left = await replan().then(
    rest => rest.phases.flatMap(phase => phase.steps.map(step => step.title)),
    (error: Error) => [`look at the host, which was not possible: ${error.message}`],
  );
  if (left.length > 0) throw unfinished(plan.lab, left, failure);
  if (failure) throw failure;
  return run.done;
}

function unfinished(lab: string, left: readonly string[], failure: Error | null): VmnetError {
  return new VmnetError(
    'not-restored',
    `the lab ${lab} is not wholly destroyed${failure ? `: ${failure.message}` : ''}`,
    [
      ...(failure instanceof VmnetError && failure.hint ? [failure.hint] : []),
      'Still to do:',
      ...left.map(title => `  ${title}`),
      `To finish: vmnet destroy ${lab}`,
    ].join('\n'),
    failure ?? undefined,
  );
}
