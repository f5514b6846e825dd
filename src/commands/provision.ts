import { applyProvision } from '../apply/apply.js';
import { observeHost } from '../host/observe.js';
import { requireHost } from '../host/require.js';
import { loadLab } from '../lab/load.js';
import { stepCount } from '../plan/model.js';
import { planProvision } from '../plan/plan.js';
import { closingLine, proofTable } from '../verify/describe.js';
import type { Context, Outcome } from './command.js';
import { showPlan } from './plan.js';
import { prepareRender } from './prepare.js';
import { exitOf, proofStage } from './verify.js';

export interface ProvisionFlags {
  readonly dryRun?: boolean;
  readonly networkOnly?: boolean;
  /** Commander's reading of `--no-verify`. */
  readonly verify?: boolean;
  readonly restart?: boolean;
  readonly yes?: boolean;
}

/** Bring the host to what the lab says, and prove it. */
export async function provision(file: string, flags: ProvisionFlags, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const lab = await loadLab(file);
  if (!flags.dryRun) await requireHost(drivers, 'provision');
  const observe = () => observeHost(drivers, lab, { networkOnly: flags.networkOnly ?? false });
  const host = await observe();
  const prepared = flags.networkOnly ? null : await prepareRender(lab, host, drivers, !flags.dryRun);
  const plan = planProvision(lab, host, prepared?.context ?? null, flags);
  if (flags.dryRun) return showPlan(plan, context);
  if (prepared?.accelNote) reporter.print(prepared.accelNote);

  const proof =
    flags.networkOnly || flags.verify === false
      ? null
      : proofStage(lab, context, prepared !== null && plan.phases.some(phase => phase.name === 'start'));
  const steps = await applyProvision(plan, host, { ...context, observe }, proof ? [proof.stage] : []);
  for (const note of plan.notes) reporter.warn(note);
  const checks = proof?.checks ?? [];
  if (checks.length > 0) reporter.print(proofTable(lab, checks));
  reporter.print(closingLine(lab.name, stepCount(plan), checks));
  return { lab: lab.name, steps, checks, exitCode: exitOf(checks), more: { notes: plan.notes } };
}
