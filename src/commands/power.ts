import { type ApplyContext, applyProvision } from '../apply/apply.js';
import type { StepResult } from '../apply/pipeline.js';
import { type Stopped, type StopRef, stopGuests } from '../apply/stop.js';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState, LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { findRecord } from '../host/records.js';
import { quote } from '../lab/quote.js';
import { didYouMean } from '../lab/suggest.js';
import { isAlive } from '../plan/guest.js';
import { stopOrder } from '../plan/order.js';
import { domainsOf, planStart } from '../plan/start.js';

// Guests of a lab that is up are started and stopped: for people by lifecycle.ts, for programs by the library.

/** What became of a VM. */
export interface VmChange {
  readonly vm: string;
  readonly how: 'started' | 'running already' | Stopped['how'] | 'stopped already';
}

/** Seconds for a guest to shut down, unless somebody says otherwise. */
export const SHUTDOWN_SECONDS = 60;

/**
 * A lab as it was last applied, whose guests vmnet defined.
 * @throws {VmnetError} `usage` where there is none of that name, or it was provisioned without guests
 */
export async function recordWithGuests(
  name: string,
  verb: 'start' | 'stop' | 'restart',
  drivers: Drivers,
): Promise<LabRecord> {
  const record = await findRecord(name, drivers);
  if (!record) throw unknown(name, verb);
  if (record.networkOnly && record.lab.vms.length > 0) throw withoutGuests(record);
  return record;
}

const unknown = (name: string, verb: string) =>
  new VmnetError(
    'usage',
    `the lab ${name} has not been provisioned on this host, so it has no VMs to ${verb}`,
    'vmnet provision FILE first; vmnet list shows the labs of this host.',
  );

const withoutGuests = ({ name, lab }: LabRecord) =>
  new VmnetError(
    'usage',
    `the lab ${name} was provisioned with --network-only: vmnet defined no VMs for it`,
    `vmnet provision ${lab.file} defines and starts them.`,
  );

/**
 * VMs of a lab, by name; all where none are asked for.
 * @throws {VmnetError} `usage` where it has none of a name
 */
export function namesIn({ name, lab }: LabRecord, asked: readonly string[]): string[] {
  const all = lab.vms.map(vm => vm.name);
  if (asked.length === 0) return all;
  const odd = asked.find(vm => !all.includes(vm));
  if (odd === undefined) return [...new Set(asked)];
  throw new VmnetError(
    'usage',
    `the lab ${name} has no VM ${quote(odd)}`,
    all.length === 0 ? 'It has none at all.' : didYouMean(odd, all, 'Its VMs are'),
  );
}

export interface StartedVms {
  readonly steps: readonly StepResult[];
  readonly notes: readonly string[];
  /** VMs, with those that others depend on. */
  readonly begun: readonly string[];
  /** Those that ran already. */
  readonly already: readonly string[];
}

type Means = Pick<ApplyContext, 'drivers' | 'reporter' | 'signal'>;

export interface StartOptions {
  /** Also where there is not enough memory. */
  readonly yes?: boolean;
}

/** Start these VMs, and what they depend on, in order; undone where one fails. */
export async function startVms(
  record: LabRecord,
  names: readonly string[],
  { drivers, reporter, signal }: Means,
  { yes = false }: StartOptions = {},
): Promise<StartedVms> {
  const observe = () => observeHost(drivers, record.lab, { networkOnly: false });
  const host = await observe();
  const plan = planStart(record, names, host, drivers.guestDir, yes);
  const context = { drivers, reporter, signal, observe, startGuard: null };
  const steps = await applyProvision(plan, host, context, []);
  const begun = (plan.phases[0]?.steps ?? []).flatMap(step =>
    step.undo.length > 0 && step.name !== undefined ? [step.name] : [],
  );
  return { steps, notes: plan.notes, begun, already: names.filter(name => !begun.includes(name)) };
}

/** What became of each VM that was started or asked for. */
export const startsOf = ({ begun, already }: Pick<StartedVms, 'begun' | 'already'>): VmChange[] => [
  ...begun.map(vm => ({ vm, how: 'started' as const })),
  ...already.map(vm => ({ vm, how: 'running already' as const })),
];

/** What became of each VM that was to be stopped. */
export const stopsOf = ({ stopped, already }: Pick<StoppedVms, 'stopped' | 'already'>): VmChange[] => [
  ...stopped,
  ...already.map(vm => ({ vm, how: 'stopped already' as const })),
];

export interface StoppedVms {
  /** As it was before. */
  readonly host: HostState;
  readonly steps: readonly StepResult[];
  readonly stopped: readonly Stopped[];
  /** Those that did not run. */
  readonly already: readonly string[];
}

/**
 * Stop these VMs, those that depend on others first.
 * @param seconds that each has to shut down before its plug is pulled; null pulls it at once
 */
export async function stopVms(
  record: LabRecord,
  names: readonly string[],
  seconds: number | null,
  { drivers, reporter, signal }: Means,
): Promise<StoppedVms> {
  const host = await observeHost(drivers, record.lab, { networkOnly: false });
  const guests = running(record, host).filter(({ vm }) => names.includes(vm));
  let stopped: Stopped[] = [];
  const began = performance.now();
  const title = `Stop ${guests.map(({ vm }) => vm).join(', ')}`;
  if (guests.length > 0)
    await reporter.stages([
      {
        title,
        async run(tell) {
          stopped = await stopGuests(guests, drivers, { seconds, signal, tell });
          return undefined;
        },
      },
    ]);
  return {
    host,
    steps: stopped.map(({ vm }) => ({ phase: 'guests', title: `stop ${vm}`, ms: performance.now() - began })),
    stopped,
    already: names.filter(name => !guests.some(({ vm }) => vm === name)),
  };
}

/** Guests of a lab that run, each with those that are to be stopped before it. */
export function running({ name, lab }: LabRecord, host: HostState): StopRef[] {
  const orderOf = stopOrder(lab);
  return [...domainsOf(name, host)]
    .filter(([, domain]) => isAlive(domain))
    .map(([vm, domain]) => ({
      vm,
      name: domain.name,
      uuid: domain.uuid,
      after: (orderOf(vm).after ?? []).map(other => other.name),
    }));
}
