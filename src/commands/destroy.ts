import { applyDestroy, forget } from '../apply/apply.js';
import type { HostState, LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { requireHost } from '../host/require.js';
import { stepCount } from '../plan/model.js';
import { planDestroy } from '../plan/plan.js';
import type { Context, Outcome } from './command.js';
import { showPlan } from './plan.js';
import { resolveName } from './resolve.js';

export interface DestroyFlags {
  readonly dryRun?: boolean;
  /** Leave libvirt alone: links only. */
  readonly networkOnly?: boolean;
}

/** Remove all that a lab made and give its uplinks back. Destroying what is not there is no error. */
export async function destroy(labOrFile: string, flags: DestroyFlags, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const name = await resolveName(labOrFile);
  if (!flags.dryRun) await requireHost(drivers, 'destroy');
  const record = ((await drivers.records.all()) as readonly LabRecord[]).find(
    candidate => candidate.name === name,
  );
  const networkOnly = flags.networkOnly ?? record?.networkOnly ?? false;
  const observe = (): Promise<HostState> => observeHost(drivers, record?.lab ?? null, { networkOnly });
  const replan = async () => planDestroy(name, await observe(), drivers.stateDir);
  const plan = await replan();
  if (flags.dryRun) return showPlan(plan, context);
  if (stepCount(plan) === 0) {
    await forget(name, drivers);
    reporter.print(
      record ? `${name}: nothing of it was left on this host` : `${name}: there is nothing to destroy`,
    );
    return { lab: name, steps: [] };
  }
  const steps = await applyDestroy(plan, { ...context, observe }, replan);
  reporter.print(
    `${name}: destroyed in ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}; looked again, nothing of it is left`,
  );
  return { lab: name, steps };
}
