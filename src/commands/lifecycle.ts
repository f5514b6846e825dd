import { applyProvision } from '../apply/apply.js';
import type { StepResult } from '../apply/pipeline.js';
import { type Stopped, type StopRef, stopGuests } from '../apply/stop.js';
import { VmnetError } from '../errors.js';
import type { HostState, LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { findRecord } from '../host/records.js';
import { requireHost } from '../host/require.js';
import { quote } from '../lab/quote.js';
import { didYouMean } from '../lab/suggest.js';
import { isAlive } from '../plan/guest.js';
import { stopsAfter } from '../plan/order.js';
import { domainsOf, planStart } from '../plan/start.js';
import type { Context, Outcome } from './command.js';
import { type LockFlags, locked } from './locked.js';
import { recoverFirst } from './recover.js';
import { resolveName } from './resolve.js';
import { wholeSeconds } from './seconds.js';

export interface StopFlags extends LockFlags {
  /** Seconds that each guest has to shut down. */
  readonly timeout?: string;
  /** Pull the plug at once. */
  readonly force?: boolean;
}

/** Seconds for a guest to shut down, unless `--timeout` says otherwise. */
const DEFAULT_SECONDS = 60;

/** Start VMs of a lab that is up, and what they depend on, in order. One that runs is left alone. */
export const start = (labOrFile: string, vms: readonly string[], flags: LockFlags, context: Context) =>
  onLab('start', labOrFile, vms, flags, context, async (record, names) => {
    const started = await startThem(record, names, context);
    return outcome(record, started);
  });

/** Shut VMs down, those that depend on others first. One that does not run is left alone. */
export const stop = (labOrFile: string, vms: readonly string[], flags: StopFlags, context: Context) =>
  onLab('stop', labOrFile, vms, flags, context, async (record, names) => {
    const { host, steps, vms: stopped, already } = await stopThem(record, names, flags, context);
    if (already.length > 0) context.reporter.print(`${record.name}: ${isOrAre(already)} stopped already`);
    tellOrphans(record, names, host, context);
    return outcome(record, {
      steps,
      vms: [...stopped, ...already.map(vm => ({ vm, how: 'stopped already' }))],
    });
  });

/** Both, one after the other. VMs that depend on them are left alone, and one that does not run is just started. */
export const restart = (labOrFile: string, vms: readonly string[], flags: StopFlags, context: Context) =>
  onLab('restart', labOrFile, vms, flags, context, async (record, names) => {
    const stopped = await stopThem(record, names, flags, context);
    const started = await startThem(record, names, context);
    return outcome(record, { ...started, vms: [...stopped.vms, ...started.vms] });
  });

interface Done {
  readonly steps: readonly StepResult[];
  readonly vms: readonly { readonly vm: string; readonly how: string }[];
}

const outcome = ({ name }: LabRecord, { steps, vms }: Done): Outcome => ({ lab: name, steps, more: { vms } });

/** A lab as it was last applied, and its VMs by name. */
async function onLab(
  verb: 'start' | 'stop' | 'restart',
  labOrFile: string,
  vms: readonly string[],
  flags: StopFlags,
  context: Context,
  work: (record: LabRecord, names: readonly string[]) => Promise<Outcome>,
): Promise<Outcome> {
  const { drivers, about } = context;
  const name = await resolveName(labOrFile);
  about.lab = name;
  secondsOf(flags);
  await requireHost(drivers, verb);
  return locked([`lab-${name}`], `vmnet ${verb} ${name}`, flags, context, async () => {
    await recoverFirst(name, context);
    const record = await findRecord(name, drivers);
    if (!record) throw unknown(name, verb);
    if (record.networkOnly && record.lab.vms.length > 0) throw withoutGuests(record);
    return work(record, namesIn(record, vms));
  });
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

function namesIn({ name, lab }: LabRecord, asked: readonly string[]): string[] {
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

async function startThem(record: LabRecord, names: readonly string[], context: Context): Promise<Done> {
  const { drivers, reporter } = context;
  const observe = () => observeHost(drivers, record.lab, { networkOnly: false });
  const host = await observe();
  const plan = planStart(record, names, host, drivers.guestDir);
  const steps = await applyProvision(plan, host, { ...context, observe, startGuard: null }, []);
  for (const note of plan.notes) reporter.warn(note);
  const begun = (plan.phases[0]?.steps ?? []).flatMap(step =>
    step.undo.length > 0 && step.name !== undefined ? [step.name] : [],
  );
  const already = names.filter(name => !begun.includes(name));
  if (begun.length > 0) reporter.print(`${record.name}: started ${begun.join(', ')}`);
  if (already.length > 0) reporter.print(`${record.name}: ${isOrAre(already)} running already`);
  return {
    steps,
    vms: [
      ...begun.map(vm => ({ vm, how: 'started' })),
      ...already.map(vm => ({ vm, how: 'running already' })),
    ],
  };
}

interface StoppedThem extends Done {
  /** As it was before. */
  readonly host: HostState;
  /** Those that did not run. */
  readonly already: readonly string[];
}

async function stopThem(
  record: LabRecord,
  names: readonly string[],
  flags: StopFlags,
  context: Context,
): Promise<StoppedThem> {
  const { drivers, reporter, signal } = context;
  const host = await observeHost(drivers, record.lab, { networkOnly: false });
  const guests = running(record, host).filter(({ vm }) => names.includes(vm));
  const seconds = secondsOf(flags);
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
  for (const { vm, how } of stopped)
    if (how === 'plug pulled' && seconds !== null)
      reporter.warn(`${vm} did not shut down within ${seconds} s: its plug was pulled`);
  if (stopped.length > 0) reporter.print(`${record.name}: stopped ${stopped.map(({ vm }) => vm).join(', ')}`);
  return {
    host,
    steps: stopped.map(({ vm }) => ({ phase: 'guests', title: `stop ${vm}`, ms: performance.now() - began })),
    vms: stopped,
    already: names.filter(name => !guests.some(({ vm }) => vm === name)),
  };
}

/** Guests of a lab that run, each with those that are to be stopped before it. */
const running = ({ name, lab }: LabRecord, host: HostState): StopRef[] =>
  [...domainsOf(name, host)].flatMap(([vm, domain]) =>
    isAlive(domain)
      ? [
          {
            vm,
            name: domain.name,
            uuid: domain.uuid,
            after: (stopsAfter(lab, vm).after ?? []).map(other => other.name),
          },
        ]
      : [],
  );

/** What depends on a VM that was stopped goes on: said, not stopped. */
function tellOrphans(
  record: LabRecord,
  names: readonly string[],
  host: HostState,
  { reporter }: Context,
): void {
  const alive = new Set(running(record, host).map(({ vm }) => vm));
  for (const { name, dependsOn = [] } of record.lab.vms) {
    const gone = dependsOn.filter(needed => names.includes(needed));
    if (gone.length > 0 && alive.has(name) && !names.includes(name))
      reporter.warn(`${name}, which depends on ${gone.join(', ')}, goes on running`);
  }
}

const isOrAre = (names: readonly string[]) => `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'}`;

function secondsOf({ force, timeout }: StopFlags): number | null {
  const seconds = timeout === undefined ? DEFAULT_SECONDS : wholeSeconds('--timeout', timeout, 1, 86_400);
  return force ? null : seconds;
}
