import { guestDied } from '../apply/start.js';
import { EXIT, VmnetError } from '../errors.js';
import type { Lab } from '../lab/model.js';
import { consolePath } from '../render/domain.js';
import type { Stage } from '../report/reporter.js';
import { closingLine, proofTable } from '../verify/describe.js';
import { type Check, isGood } from '../verify/model.js';
import { verifyLab } from '../verify/verify.js';
import type { Context, Outcome } from './command.js';
import { resolveLab } from './resolve.js';

export interface VerifyFlags {
  /** Seconds to wait for silent guests. */
  readonly timeout?: string;
}

/** Milliseconds for guests that run already, and for guests that have just been started and may still boot. */
const PATIENCE = { running: 6_000, booting: 60_000 };

/** Measure a lab that is up; changes nothing. */
export async function verify(labOrFile: string, flags: VerifyFlags, context: Context): Promise<Outcome> {
  const patienceMs = patience(flags.timeout);
  const lab = await resolveLab(labOrFile, context.drivers);
  context.about.lab = lab.name;
  const proof = proofStage(lab, context, false, patienceMs);
  await context.reporter.stages([proof.stage]);
  context.reporter.print(proofTable(lab, proof.checks));
  context.reporter.print(closingLine(lab.name, null, proof.checks));
  return { lab: lab.name, checks: proof.checks, exitCode: exitOf(proof.checks) };
}

export const exitOf = (checks: readonly Check[]) => (checks.every(isGood) ? 0 : EXIT['check-failed']);

/** The health checks and the path proof as a stage; the checks are there once it has run. */
export function proofStage(
  lab: Lab,
  { drivers, signal }: Context,
  started: boolean,
  patienceMs = started ? PATIENCE.booting : PATIENCE.running,
): { stage: Stage; checks: Check[] } {
  const checks: Check[] = [];
  const stage: Stage = {
    title: 'Health checks and path proof',
    async run(tell) {
      checks.push(...(await verifyLab(lab, drivers, { patienceMs, signal, tell })));
      if (signal.aborted) throw new VmnetError('interrupted', 'interrupted during the health checks');
      if (started) await throwIfDied(lab, checks, drivers);
      return summary(checks);
    },
  };
  return { stage, checks };
}

/** `2 of 3 NICs direct` */
function summary(checks: readonly Check[]): string {
  const paths = checks.filter(check => check.name === 'path');
  return `${paths.filter(isGood).length} of ${paths.length} NICs direct`;
}

/** A guest that we have just started and that is gone already died at boot. */
async function throwIfDied(lab: Lab, checks: readonly Check[], drivers: Context['drivers']): Promise<void> {
  const dead = checks.find(check => check.name === 'domain' && check.verdict === 'failed');
  const vm = lab.vms.find(({ name }) => name === dead?.vm);
  if (vm)
    throw await guestDied(
      { name: vm.domain, console: consolePath(drivers.stateDir, lab.name, vm.name) },
      drivers,
    );
}

function patience(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  const value = Number(seconds);
  if (Number.isFinite(value) && value > 0 && value <= 3600) return value * 1000;
  throw new VmnetError('usage', `--timeout takes seconds, from 1 to 3600, not ${JSON.stringify(seconds)}`);
}
