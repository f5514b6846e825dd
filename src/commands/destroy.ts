import { applyDestroy } from '../apply/apply.js';
import { forget } from '../apply/forget.js';
import { VmnetError } from '../errors.js';
import type { LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { findRecord } from '../host/records.js';
import { requireHost } from '../host/require.js';
import { planDestroy } from '../plan/destroy.js';
import { stepCount } from '../plan/model.js';
import type { Context, Outcome } from './command.js';
import { disableUnit } from './enable.js';
import { type LockFlags, locked, locksFor } from './locked.js';
import { showPlan } from './plan.js';
import { recoverFirst } from './recover.js';
import { resolveName } from './resolve.js';

export interface DestroyFlags extends LockFlags {
  readonly dryRun?: boolean;
  /** Leave libvirt alone: links only. */
  readonly networkOnly?: boolean;
  /** Delete a bridge that others still use. */
  readonly force?: boolean;
}

/** Remove all that a lab made and give its uplinks back. Destroying what is not there is no error. */
export async function destroy(labOrFile: string, flags: DestroyFlags, context: Context): Promise<Outcome> {
  const { drivers } = context;
  const name = await resolveName(labOrFile);
  context.about.lab = name;
  if (flags.dryRun) {
    const host = await looker(name, flags, await findRecord(name, context.drivers), context)();
    return showPlan(planDestroy(name, host, drivers.guestDir, flags), context);
  }
  await requireHost(drivers, 'destroy');
  const locks = locksFor(name, (await findRecord(name, context.drivers))?.lab ?? null);
  return locked(locks, `vmnet destroy ${name}`, flags, context, () => destroyLocked(name, flags, context));
}

async function destroyLocked(name: string, flags: DestroyFlags, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  // What could not be undone is destroyed all the same, by its marks.
  await recoverFirst(name, context).catch((error: Error) => {
    if (!(error instanceof VmnetError) || error.code !== 'not-restored') throw error;
    reporter.warn(`${error.message}\n${error.hint}`);
  });
  const record = await findRecord(name, context.drivers);
  const look = looker(name, flags, record, context);
  const replan = async () => planDestroy(name, await look(), drivers.guestDir, flags);
  const before = await look();
  const plan = planDestroy(name, before, drivers.guestDir, flags);
  // Not before the host was seen: until then, what could not be undone must not be forgotten.
  await drivers.journals.end(name);
  const steps =
    stepCount(plan) > 0 ? await applyDestroy(plan, before, { ...context, observe: look }, replan) : [];
  // Guests that were left alone still need the record and their disks.
  const guestsStay = flags.networkOnly === true && record?.networkOnly === false;
  if (!guestsStay) {
    for (const note of await forget(name, drivers)) reporter.print(note);
    if (await disableUnit(name, drivers)) reporter.print(`${name}: does not come back at boot any more`);
  }
  if (!guestsStay) for (const note of plan.notes) reporter.print(note);
  reporter.print(closing(name, stepCount(plan), record !== undefined, guestsStay));
  return { lab: name, steps };
}

function looker(name: string, flags: DestroyFlags, record: LabRecord | undefined, context: Context) {
  const { drivers } = context;
  const networkOnly = flags.networkOnly ?? record?.networkOnly ?? false;
  const look = (only: boolean) => observeHost(drivers, record?.lab ?? null, { networkOnly: only });
  return () =>
    look(networkOnly).catch((error: Error) => {
      // A lab that is not known need not have had guests: libvirt's absence must not turn "nothing there" into a failure.
      if (record || !(error instanceof VmnetError) || error.code !== 'libvirt') throw error;
      context.reporter.warn(`libvirt was not asked for guests of ${name}: ${error.message}`);
      return look(true);
    });
}

function closing(name: string, steps: number, known: boolean, guestsStay: boolean): string {
  if (guestsStay) return `${name}: its links are gone; its guests were left alone`;
  if (steps > 0)
    return `${name}: destroyed in ${steps} ${steps === 1 ? 'step' : 'steps'}; looked again, nothing of it is left`;
  return known ? `${name}: nothing of it was left on this host` : `${name}: there is nothing to destroy`;
}
