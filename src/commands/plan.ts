import { requireServices } from '../host/require.js';
import { loadLab } from '../lab/load.js';
import { describePlan } from '../plan/describe.js';
import type { Plan } from '../plan/model.js';
import { planProvision } from '../plan/plan.js';
import { shownPhases } from '../plan/shown.js';
import { sessionNotes } from '../plan/uplink-session.js';
import type { Context, Outcome } from './command.js';
import { isGuestless, observeFor } from './observe.js';

export interface PlanFlags {
  readonly networkOnly?: boolean;
  readonly restart?: boolean;
  readonly yes?: boolean;
}

/** Print what `provision` would do; changes nothing. */
export async function plan(file: string, flags: PlanFlags, context: Context): Promise<Outcome> {
  const { drivers } = context;
  const lab = await loadLab(file);
  context.about.lab = lab.name;
  await requireServices(lab, drivers);
  const networkOnly = flags.networkOnly === true || (await isGuestless(lab, drivers));
  const host = await observeFor(lab, { ...flags, networkOnly, networks: !flags.networkOnly }, context);
  const prepared = networkOnly
    ? null
    : await (await import('./prepare.js')).prepareRender(lab, host, drivers, false);
  const change = planProvision(lab, host, prepared?.context ?? null, flags);
  const session = change.moves.length > 0 ? await drivers.session() : null;
  const notes = session ? sessionNotes(lab, host, session) : [];
  return showPlan({ ...change, notes: [...change.notes, ...notes] }, context);
}

export function showPlan(plan: Plan, { reporter }: Context): Outcome {
  reporter.print(describePlan(plan));
  return { lab: plan.lab, more: { plan: { phases: shownPhases(plan.phases), notes: plan.notes } } };
}
