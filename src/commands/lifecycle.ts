import type { StepResult } from '../apply/pipeline.js';
import type { HostState, LabRecord } from '../host/model.js';
import { requireHost } from '../host/require.js';
import type { Context, Outcome } from './command.js';
import { type LockFlags, locked } from './locked.js';
import {
  namesIn,
  recordWithGuests,
  running,
  SHUTDOWN_SECONDS,
  type StartOptions,
  type StoppedVms,
  startsOf,
  startVms,
  stopsOf,
  stopVms,
  type VmChange,
} from './power.js';
import { recoverFirst } from './recover.js';
import { resolveName } from './resolve.js';
import { wholeSeconds } from './seconds.js';

export interface StopFlags extends LockFlags {
  /** Seconds that each guest has to shut down. */
  readonly timeout?: string;
  /** Pull the plug at once. */
  readonly force?: boolean;
}

export type StartFlags = LockFlags & StartOptions;

/** Start VMs of a lab that is up, and what they depend on, in order. One that runs is left alone. */
export const start = (labOrFile: string, vms: readonly string[], flags: StartFlags, context: Context) =>
  onLab('start', labOrFile, vms, flags, context, async (record, names) => {
    const started = await startThem(record, names, flags, context);
    return outcome(record, started);
  });

/** Shut VMs down, those that depend on others first. One that does not run is left alone. */
export const stop = (labOrFile: string, vms: readonly string[], flags: StopFlags, context: Context) =>
  onLab('stop', labOrFile, vms, flags, context, async (record, names) => {
    const done = await stopThem(record, names, flags, context);
    const { host, steps, already } = done;
    if (already.length > 0) context.reporter.print(`${record.name}: ${isOrAre(already)} stopped already`);
    tellOrphans(record, names, host, context);
    return outcome(record, { steps, vms: stopsOf(done) });
  });

/** Both, one after the other. VMs that depend on them are left alone, and one that does not run is just started. */
export const restart = (labOrFile: string, vms: readonly string[], flags: StopFlags, context: Context) =>
  onLab('restart', labOrFile, vms, flags, context, async (record, names) => {
    const { steps, stopped } = await stopThem(record, names, flags, context);
    // They had the memory a moment ago: refused now, they would be left shut down.
    const started = await startThem(record, names, { yes: true }, context);
    return outcome(record, { steps: [...steps, ...started.steps], vms: [...stopped, ...started.vms] });
  });

interface Done {
  readonly steps: readonly StepResult[];
  readonly vms: readonly VmChange[];
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
    const record = await recordWithGuests(name, verb, drivers);
    return work(record, namesIn(record, vms));
  });
}

async function startThem(
  record: LabRecord,
  names: readonly string[],
  options: StartOptions,
  context: Context,
): Promise<Done> {
  const { reporter } = context;
  const { steps, notes, begun, already } = await startVms(record, names, context, options);
  for (const note of notes) reporter.warn(note);
  if (begun.length > 0) reporter.print(`${record.name}: started ${begun.join(', ')}`);
  if (already.length > 0) reporter.print(`${record.name}: ${isOrAre(already)} running already`);
  return { steps, vms: startsOf({ begun, already }) };
}

async function stopThem(
  record: LabRecord,
  names: readonly string[],
  flags: StopFlags,
  context: Context,
): Promise<StoppedVms> {
  const { reporter } = context;
  const seconds = secondsOf(flags);
  const done = await stopVms(record, names, seconds, context);
  for (const { vm, how } of done.stopped)
    if (how === 'plug pulled' && seconds !== null)
      reporter.warn(`${vm} did not shut down within ${seconds} s: its plug was pulled`);
  if (done.stopped.length > 0)
    reporter.print(`${record.name}: stopped ${done.stopped.map(({ vm }) => vm).join(', ')}`);
  return done;
}

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
  const seconds = timeout === undefined ? SHUTDOWN_SECONDS : wholeSeconds('--timeout', timeout, 1, 86_400);
  return force ? null : seconds;
}
