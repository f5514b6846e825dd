import { applyDestroy, forget } from '../apply/apply.js';
import { VmnetError } from '../errors.js';
import type { LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { requireHost } from '../host/require.js';
import { stepCount } from '../plan/model.js';
import { planDestroy } from '../plan/plan.js';
import type { Context, Outcome } from './command.js';
import { type LockFlags, locked, locksFor } from './locked.js';
import { showPlan } from './plan.js';
import { resolveName } from './resolve.js';

export interface DestroyFlags extends LockFlags {
  readonly dryRun?: boolean;
  /** Leave libvirt alone: links only. */
  readonly networkOnly?: boolean;
}

/** Remove all that a lab made and give its uplinks back. Destroying what is not there is no error. */
export async function destroy(labOrFile: string, flags: DestroyFlags, context: Context): Promise<Outcome> {
  const { drivers } = context;
  const name = await resolveName(labOrFile);
  context.about.lab = name;
  if (flags.dryRun)
    return showPlan(await planner(name, flags, await recordOf(name, context), context)(), context);
  await requireHost(drivers, 'destroy');
  const locks = locksFor(name, (await recordOf(name, context))?.lab ?? null);
  return locked(locks, `vmnet destroy ${name}`, flags, context, () => destroyLocked(name, flags, context));
}

async function destroyLocked(name: string, flags: DestroyFlags, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const record = await recordOf(name, context);
  const replan = planner(name, flags, record, context);
  const plan = await replan();
  const steps = stepCount(plan) > 0 ? await applyDestroy(plan, context, replan) : [];
  // Guests that were left alone still need the record and their disks.
  const guestsStay = flags.networkOnly === true && record?.networkOnly === false;
  if (!guestsStay) await forget(name, drivers);
  reporter.print(closing(name, stepCount(plan), record !== undefined, guestsStay));
  return { lab: name, steps };
}

function planner(name: string, flags: DestroyFlags, record: LabRecord | undefined, context: Context) {
  const { drivers } = context;
  const networkOnly = flags.networkOnly ?? record?.networkOnly ?? false;
  const look = (only: boolean) => observeHost(drivers, record?.lab ?? null, { networkOnly: only });
  return async () => {
    const host = await look(networkOnly).catch(async (error: Error) => {
      // A lab that is not known need not have had guests: libvirt's absence must not turn "nothing there" into a failure.
      if (record || !(error instanceof VmnetError) || error.code !== 'libvirt') throw error;
      context.reporter.warn(`libvirt was not asked for guests of ${name}: ${error.message}`);
      return look(true);
    });
    return planDestroy(name, host, drivers.stateDir);
  };
}

async function recordOf(name: string, { drivers }: Context): Promise<LabRecord | undefined> {
  const records = (await drivers.records.all()) as readonly LabRecord[];
  return records.find(record => record.name === name);
}

function closing(name: string, steps: number, known: boolean, guestsStay: boolean): string {
  if (guestsStay) return `${name}: its links are gone; its guests were left alone`;
  if (steps > 0)
    return `${name}: destroyed in ${steps} ${steps === 1 ? 'step' : 'steps'}; looked again, nothing of it is left`;
  return known ? `${name}: nothing of it was left on this host` : `${name}: there is nothing to destroy`;
}
