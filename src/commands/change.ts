import { applyProvision } from '../apply/apply.js';
import type { HostState } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { stepCount } from '../plan/model.js';
import { planProvision } from '../plan/plan.js';
import { movesOf } from '../plan/uplink.js';
import { sessionNotes } from '../plan/uplink-session.js';
import { closingLine, proofTable } from '../verify/describe.js';
import type { Context, Outcome } from './command.js';
import type { questionOf } from './confirm.js';
import { startGuard } from './guarded.js';
import type { LockFlags } from './locked.js';

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

/** What is known before the host was looked at. */
export interface Ahead {
  /** Guests are left out. */
  readonly networkOnly: boolean;
  /** Look at the host again, in the same way. */
  readonly observe: () => Promise<HostState>;
  /** Seconds in which a moved uplink has to prove itself; 0 goes without a guard. */
  readonly seconds: number;
  readonly question: ReturnType<typeof questionOf>;
  /** To be called once the lab's record is written. */
  readonly recorded: () => void;
}

/** Plan from what was seen of the host, carry it out, prove it, and tell. Loaded while the host is looked at. */
export async function change(
  lab: Lab,
  host: HostState,
  flags: ProvisionFlags,
  context: Context,
  { networkOnly, observe, seconds, question, recorded }: Ahead,
): Promise<Outcome> {
  const { drivers, reporter } = context;
  const guard = seconds > 0 ? (name: string) => startGuard(name, seconds, drivers) : null;
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
