import { applyProvision } from '../apply/apply.js';
import { VmnetError } from '../errors.js';
import { findRecord } from '../host/records.js';
import { requireHost, requireServices } from '../host/require.js';
import { loadLab } from '../lab/load.js';
import type { Lab } from '../lab/model.js';
import { stepCount } from '../plan/model.js';
import { planProvision } from '../plan/plan.js';
import { movesOf } from '../plan/uplink.js';
import { sessionNotes } from '../plan/uplink-session.js';
import { closingLine, proofTable } from '../verify/describe.js';
import type { Context, Outcome } from './command.js';
import { questionOf } from './confirm.js';
import { rollbackAfter, startGuard } from './guarded.js';
import { type LockFlags, locked, lockedSubnets, locksFor } from './locked.js';
import { isGuestless, observeFor } from './observe.js';
import { plan as dryRun } from './plan.js';
import { recoverFirst } from './recover.js';

export interface ProvisionFlags extends LockFlags {
  readonly dryRun?: boolean;
  readonly networkOnly?: boolean;
  /** Commander's reading of `--no-verify`. */
  readonly verify?: boolean;
  readonly restart?: boolean;
  readonly yes?: boolean;
  /** Seconds in which a moved uplink has to prove itself; 0 goes without a guard. */
  readonly rollbackAfter?: string;
  /** Seconds that a person has to confirm a moved uplink. */
  readonly confirm?: string;
  /** Peers that do not answer beforehand are passed over. */
  readonly lenient?: boolean;
}

/** Bring the host to what the lab says, and prove it. */
export async function provision(file: string, flags: ProvisionFlags, context: Context): Promise<Outcome> {
  const lab = await loadLab(file);
  context.about.lab = lab.name;
  if (flags.dryRun) return dryRun(file, flags, context);
  await requireHost(context.drivers, 'provision');
  return provisionLab(lab, flags, context);
}

/** Bring the network plane of a lab back after a reboot, as it was applied; called by the unit of `vmnet enable`. */
export async function boot(name: string, _flags: object, context: Context): Promise<Outcome> {
  context.about.lab = name;
  await requireHost(context.drivers, 'boot');
  const record = await findRecord(name, context.drivers);
  if (!record) throw new VmnetError('usage', `the lab ${name} is not known here`, `vmnet disable ${name}`);
  // A peer may still be booting itself: that must not keep the guests away from the network.
  return provisionLab(record.lab, { networkOnly: true, yes: true, lenient: true }, context);
}

async function provisionLab(lab: Lab, flags: ProvisionFlags, context: Context): Promise<Outcome> {
  const what = `vmnet provision ${lab.name}`;
  return locked(locksFor(lab.name, lab), what, flags, context, () => provisionLocked(lab, flags, context));
}

async function provisionLocked(lab: Lab, flags: ProvisionFlags, context: Context): Promise<Outcome> {
  await recoverFirst(lab.name, context);
  await requireServices(lab, context.drivers);
  const choosing = await lockedSubnets(lab, `vmnet provision ${lab.name}`, context);
  const recorded = () => choosing?.release();
  try {
    return await change(lab, flags, context, recorded);
  } finally {
    recorded();
  }
}

async function change(
  lab: Lab,
  flags: ProvisionFlags,
  context: Context,
  recorded: () => void,
): Promise<Outcome> {
  const { drivers, reporter } = context;
  // Without VMs, now or before, nobody need have libvirt.
  const networkOnly = flags.networkOnly === true || (await isGuestless(lab, drivers));
  const observe = () => observeFor(lab, { ...flags, networkOnly, networks: !flags.networkOnly }, context);
  const seconds = rollbackAfter(flags.rollbackAfter);
  const question = questionOf(flags.confirm, context);
  const guard = seconds > 0 ? (name: string) => startGuard(name, seconds, drivers) : null;
  const host = await observe();
  // Guests' code and the proof's are half of all code: a network plane does without.
  const prepared = networkOnly
    ? null
    : await (await import('./prepare.js')).prepareRender(lab, host, drivers, true);
  const session = movesOf(lab, host).length > 0 ? await drivers.session() : null;
  const plan = planProvision(lab, host, prepared?.context ?? null, { ...flags, session });
  if (prepared?.accelNote) reporter.print(prepared.accelNote);
  const user = host.libvirtUser;
  if (user) reporter.print(`guests run as the user ${user.name}, in the libvirt at ${user.uri}`);
  const warnings = session ? sessionNotes(lab, host, session) : [];
  for (const warning of warnings) reporter.warn(warning);

  const starting = plan.phases.some(phase => phase.name === 'start');
  const plugging = plan.phases.some(({ steps }) =>
    steps.some(step => step.do.some(action => action.kind === 'plug' && action.live)),
  );
  const verifying = flags.networkOnly || flags.verify === false ? null : await import('./verify.js');
  const proof = verifying?.proofStage(lab, context, starting, plugging, networkOnly);
  const steps = await applyProvision(
    plan,
    host,
    { ...context, observe, startGuard: guard, question, recorded, lenient: flags.lenient ?? false },
    proof ? [proof.stage] : [],
  );
  const booting = !networkOnly && lab.vms.some(vm => vm.autostart);
  const late = booting ? await (await import('./enable.js')).autostartNotes(lab, context) : [];
  const notes = [...plan.notes, ...late];
  for (const note of notes) reporter.warn(note);
  const checks = proof?.checks ?? [];
  if (checks.length > 0) reporter.print(proofTable(checks));
  const guests = networkOnly ? [] : await (await import('./whereabouts.js')).tellWhere(lab, checks, context);
  reporter.print(closingLine(lab.name, stepCount(plan), checks));
  return {
    lab: lab.name,
    steps,
    checks,
    exitCode: verifying?.exitOf(checks) ?? 0,
    more: { guests, notes: [...warnings, ...notes], ...(user ? { libvirtUser: user } : {}) },
  };
}
