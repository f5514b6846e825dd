import { availableParallelism } from 'node:os';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { Action, Phase, Plan } from '../plan/model.js';
import type { Stage } from '../report/reporter.js';
import { execute, joined } from './execute.js';
import { inOrder, type Job } from './order.js';

/** A step that was carried out. */
export interface StepResult {
  readonly phase: string;
  readonly title: string;
  /** Milliseconds; of a step that shared a batch, its share. */
  readonly ms: number;
}

/** One run of a plan: what has been done, and what would undo it. */
export interface Run {
  readonly done: StepResult[];
  /** Undo actions of every step that may have taken effect, the latest first. */
  readonly undo: Action[];
}

/** Phases whose steps run side by side instead of as one batch. */
const CONCURRENT = new Set<Phase['name']>(['domains', 'start', 'guests']);

/** What has to happen around each phase. */
export interface PhaseHooks {
  /** Before its first action. */
  readonly before: (phase: Phase) => Promise<void>;
  /** After its last one. */
  readonly after: (phase: Phase, tell: (line: string) => void) => Promise<void>;
}

const NO_HOOKS: PhaseHooks = { before: async () => {}, after: async () => {} };

/** The plan's phases as stages for a reporter. */
export function planStages(
  plan: Plan,
  run: Run,
  drivers: Drivers,
  signal: AbortSignal,
  hooks: PhaseHooks = NO_HOOKS,
): Stage[] {
  return plan.phases.map(phase => ({
    title:
      phase.steps.length === 1
        ? (phase.steps[0]?.title ?? phase.title)
        : `${phase.title}: ${phase.steps.length} steps`,
    async run(tell) {
      stopIf(signal);
      await hooks.before(phase);
      if (CONCURRENT.has(phase.name)) await sideBySide(phase, run, { drivers, signal, tell });
      else await asBatch(phase, run, { drivers, signal, tell });
      await hooks.after(phase, tell);
      return undefined;
    },
  }));
}

interface Hands {
  readonly drivers: Drivers;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** All steps of a phase in as few processes as possible. */
async function asBatch(phase: Phase, run: Run, hands: Hands): Promise<void> {
  const started = performance.now();
  // Before the first line runs: a batch that stops half-way has done some of these.
  run.undo.unshift(...phase.steps.toReversed().flatMap(step => step.undo));
  await inTurn(joined(phase.steps.flatMap(step => step.do)), hands);
  const ms = (performance.now() - started) / phase.steps.length;
  run.done.push(...phase.steps.map(step => ({ phase: phase.name, title: step.title, ms })));
}

/**
 * As many steps at once as there are processors; waiting for a guest takes no place. A step begins when those that it
 * comes after are over. The first failure ends all waits, lets those under way end and starts no more.
 */
async function sideBySide(phase: Phase, run: Run, hands: Hands): Promise<void> {
  const jobs = phase.steps.map((step): Job => {
    let started = 0;
    return {
      ...step,
      async act() {
        started = performance.now();
        run.undo.unshift(...step.undo);
        await inTurn(
          step.do.filter(action => action.kind !== 'await'),
          hands,
        );
      },
      async wait(signal) {
        await inTurn(
          step.do.filter(action => action.kind === 'await'),
          { ...hands, signal },
        );
        run.done.push({ phase: phase.name, title: step.title, ms: performance.now() - started });
      },
    };
  });
  await inOrder(jobs, availableParallelism(), hands.signal, hands.tell);
}

async function inTurn(actions: readonly Action[], hands: Hands): Promise<void> {
  for (const action of actions) await perform(action, hands);
}

async function perform(action: Action, { drivers, signal, tell }: Hands): Promise<void> {
  stopIf(signal);
  await execute(action, drivers, { undoing: false, signal, tell });
}

function stopIf(signal: AbortSignal): void {
  if (signal.aborted) throw new VmnetError('interrupted', 'interrupted');
}
