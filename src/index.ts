/**
 * vmnet as a library. The same stages as the command line: load a lab, observe the host, plan the difference,
 * apply it, verify the result. Only {@link openHost} reaches the outside world.
 *
 * @example
 * const host = openHost();
 * const lab = await loadLab('lab.json');
 * const change = await planChanges(lab, host);
 * await applyPlan(change, host);
 * const checks = await verifyLab(lab, host);
 * await stopLabVms(lab.name, host, { vms: ['web'] });
 * await startLabVms(lab.name, host);
 * await destroyLab(lab.name, host);
 * await host.close();
 */
import { type ApplyContext, applyDestroy, applyProvision } from './apply/apply.js';
import { forget } from './apply/forget.js';
import type { StepResult } from './apply/pipeline.js';
import {
  namesIn,
  recordWithGuests,
  SHUTDOWN_SECONDS,
  type StartOptions,
  startsOf,
  startVms,
  stopsOf,
  stopVms,
  type VmChange,
} from './commands/power.js';
import { prepareRender } from './commands/prepare.js';
import { examine } from './doctor/doctor.js';
import type { Finding } from './doctor/model.js';
import { type DriverOptions, type Drivers, makeDrivers } from './drivers/drivers.js';
import type { HostState } from './host/model.js';
import { type ObserveOptions, observeHost as observe } from './host/observe.js';
import { findRecord } from './host/records.js';
import type { Lab } from './lab/model.js';
import { type DestroyOptions, planDestroy } from './plan/destroy.js';
import type { Plan } from './plan/model.js';
import { type PlanOptions, planProvision } from './plan/plan.js';
import { jsonReporter } from './report/json.js';
import type { Reporter } from './report/reporter.js';
import type { Check } from './verify/model.js';
import { verifyLab as verify } from './verify/verify.js';
import type { Whereabouts } from './where/model.js';
import { type WhereOptions, whereAre } from './where/where.js';

export type { Finding } from './doctor/model.js';
export { type ErrorCode, EXIT, exitCodeOf, VmnetError } from './errors.js';
export type { HostState } from './host/model.js';
export { LabError, loadLab } from './lab/load.js';
export type { Bridge, Lab, Nic, Vm } from './lab/model.js';
export type { Problem } from './lab/problem.js';
export { describePlan } from './plan/describe.js';
export { type Action, type Phase, type Plan, type Step, stepCount } from './plan/model.js';
export type { Reporter, Stage } from './report/reporter.js';
export type { Intent } from './verify/intent.js';
export { type Check, isGood, type PathEvidence, type Verdict } from './verify/model.js';
export type { WayOut } from './verify/way/model.js';
export type { FoundAddress, Source, Whereabouts } from './where/model.js';
export type { WhereOptions } from './where/where.js';
export type { DestroyOptions, DriverOptions, Drivers, StepResult, VmChange };

/**
 * Connect to this host; libvirt is contacted by the first call that needs it. Close it when done. A process that works for
 * long had better keep one open: koffi gives back no memory of the threads that talked to libvirt, about 40 KiB for each host.
 */
export const openHost = (options: DriverOptions = {}): Drivers => makeDrivers(options, process.env);

/** What is there now; changes nothing. */
export const observeHost = (lab: Lab, host: Drivers, options: ObserveOptions = {}): Promise<HostState> =>
  observe(host, lab, options);

/** Tell whether this host can do what vmnet needs, and with a lab what that needs; changes nothing. */
export const examineHost = (host: Drivers, lab: Lab | null = null): Promise<Finding[]> =>
  examine(host, lab, async (wanted, seen) => (await prepareRender(wanted, seen, host, false)).context);

/** A plan together with the state that it was made from, which an undo is compared with. */
export interface Change {
  readonly plan: Plan;
  readonly before: HostState;
  readonly lab: Lab;
  readonly networkOnly: boolean;
}

/** What would have to be done. Throws a VmnetError `bad-lab` or `conflict` where that cannot be. */
export async function planChanges(
  lab: Lab,
  host: Drivers,
  options: PlanOptions & ObserveOptions = {},
): Promise<Change> {
  const before = await observe(host, lab, options);
  const render = options.networkOnly ? null : (await prepareRender(lab, before, host, true)).context;
  return {
    plan: planProvision(lab, before, render, options),
    before,
    lab,
    networkOnly: options.networkOnly ?? false,
  };
}

/** Do it. Throws the failure after everything was undone, or `not-restored` where something is left. */
export function applyPlan(
  { plan, before, lab, networkOnly }: Change,
  host: Drivers,
  options: { readonly signal?: AbortSignal; readonly reporter?: Reporter } = {},
): Promise<StepResult[]> {
  const context: ApplyContext = {
    drivers: host,
    reporter: options.reporter ?? jsonReporter(),
    signal: options.signal ?? new AbortController().signal,
    observe: () => observe(host, lab, { networkOnly }),
    startGuard: null,
  };
  return applyProvision(plan, before, context, []);
}

/** Measure a lab that is up. `patienceMs`: how long to wait for silent guests, in milliseconds. */
export const verifyLab = async (lab: Lab, host: Drivers, patienceMs = 6_000): Promise<readonly Check[]> =>
  (await verify(lab, host, { patienceMs, signal: null, tell: () => {} })).checks;

/** The addresses of each NIC of each VM, with who told of them; a second or two. Asks silent guests unless `passive`. */
export const findGuests = (lab: Lab, host: Drivers, options: WhereOptions = {}): Promise<Whereabouts[]> =>
  whereAre(lab, host, options);

export interface PowerOptions {
  /** Names of VMs of the lab; missing: all. */
  readonly vms?: readonly string[];
  readonly signal?: AbortSignal;
  readonly reporter?: Reporter;
}

/**
 * Start VMs of a lab that is up, and what they depend on, in order. One that runs is left alone. Throws a VmnetError
 * `usage` where the lab, its guests or a VM are not known here, `conflict` where something is in the way or, without `yes`,
 * memory is short, and the failure of a guest after everything was undone.
 */
export async function startLabVms(
  name: string,
  host: Drivers,
  options: PowerOptions & StartOptions = {},
): Promise<VmChange[]> {
  const record = await recordWithGuests(name, 'start', host);
  const names = namesIn(record, options.vms ?? []);
  return startsOf(await startVms(record, names, meansOf(host, options), options));
}

/**
 * Shut VMs down, those that depend on others first; they stay defined. One that does not run is left alone. `seconds`: how
 * long each has before its plug is pulled (60); null pulls it at once. Throws a VmnetError `usage` as {@link startLabVms}.
 */
export async function stopLabVms(
  name: string,
  host: Drivers,
  options: PowerOptions & { readonly seconds?: number | null } = {},
): Promise<VmChange[]> {
  const record = await recordWithGuests(name, 'stop', host);
  const { seconds = SHUTDOWN_SECONDS, vms = [] } = options;
  return stopsOf(await stopVms(record, namesIn(record, vms), seconds, meansOf(host, options)));
}

const meansOf = (drivers: Drivers, { signal, reporter }: PowerOptions) => ({
  drivers,
  reporter: reporter ?? jsonReporter(),
  signal: signal ?? new AbortController().signal,
});

/**
 * Remove all that a lab made and give its uplinks back. Throws `conflict` where others still use it, unless `force`, and
 * `not-restored` where something is left.
 */
export async function destroyLab(
  name: string,
  host: Drivers,
  options: ObserveOptions & DestroyOptions = {},
): Promise<StepResult[]> {
  const record = await findRecord(name, host);
  const look = () => observe(host, record?.lab ?? null, { ...options, whoseTaps: name });
  const replan = async () => planDestroy(name, await look(), host.guestDir, options);
  const context = {
    drivers: host,
    reporter: jsonReporter(),
    signal: new AbortController().signal,
    observe: look,
  };
  const before = await look();
  const steps = await applyDestroy(
    planDestroy(name, before, host.guestDir, options),
    before,
    context,
    replan,
  );
  await forget(name, host);
  return steps;
}
