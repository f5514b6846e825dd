import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState, LabRecord } from '../host/model.js';
import type { Action, Phase, Plan } from '../plan/model.js';

/** What a run that is under way wrote down before it changed anything. */
export interface Pending {
  readonly version: 1;
  readonly plan: Plan;
  /** The host before, which going back is compared with. */
  readonly before: HostState;
  /** The lab's record before, if any. */
  readonly former: LabRecord | null;
}

/** A pending run with the phases that it had begun. */
export interface Interrupted extends Pending {
  readonly begun: readonly Phase[];
}

/** Written when the host was found to be reached through the bridge. */
export const CONFIRMED = 'confirmed';

/** Written by the guard when it watches. */
export const GUARDED = 'guarded';

/** Written with the seconds that a person has to confirm a move: `asked 60`. */
export const ASKED = 'asked';

/** Written when a person says that a move is to stay. */
export const KEPT = 'kept';

/** Written when it is too late for that. */
export const EXPIRED = 'expired';

export async function beginJournal(plan: Plan, before: HostState, drivers: Drivers): Promise<void> {
  const former = before.records.find(record => record.name === plan.lab) ?? null;
  const pending: Pending = { version: 1, plan, before: { ...before, records: [] }, former };
  await drivers.journals.begin(plan.lab, pending);
}

/** To be called before the first action of a phase. */
export const phaseBegins = (plan: Plan, phase: Phase, drivers: Drivers): Promise<void> =>
  drivers.journals.mark(plan.lab, phase.name);

/** The guard need not act any more. */
export const confirm = (lab: string, drivers: Drivers): Promise<void> =>
  drivers.journals.mark(lab, CONFIRMED);

/** Null where nothing is pending, or what is there was never whole: then nothing had been begun either. */
export async function readJournal(lab: string, drivers: Drivers): Promise<Interrupted | null> {
  const found = await drivers.journals.read(lab);
  if (!found || !isPending(found.entry)) return null;
  const begun = found.entry.plan.phases.filter(phase => found.words.includes(phase.name));
  return { ...found.entry, begun };
}

function isPending(entry: unknown): entry is Pending {
  const { version, plan, before } = (entry ?? {}) as Partial<Pending>;
  return version === 1 && Array.isArray(plan?.phases) && typeof before?.bootId === 'string';
}

/** Undo actions of all phases that may have taken effect, the latest first. */
export const undoOf = (interrupted: Interrupted): Action[] =>
  interrupted.begun.toReversed().flatMap(phase => phase.steps.toReversed().flatMap(step => step.undo));

/** Milliseconds for a guard to start: a Node process, on a busy machine. */
const GUARD_WITHIN = 60_000;

/** Wait until a guard watches this run. Throws `timeout`: without it, the uplink is not touched. */
export async function untilGuarded(lab: string, drivers: Drivers): Promise<void> {
  const deadline = performance.now() + GUARD_WITHIN;
  while (!(await drivers.journals.words(lab))?.includes(GUARDED)) {
    if (performance.now() > deadline)
      throw new VmnetError(
        'timeout',
        `the guard of ${lab} did not start`,
        'It would put the uplink back if this run died; --rollback-after 0 goes on without.',
      );
    await sleep(20);
  }
}
