import { removeEmptyFolders } from '../apply/forget.js';
import { guard as watch } from '../apply/guard.js';
import { readJournal } from '../apply/journal.js';
import { type Recovery, recover as recoverLab } from '../apply/recover.js';
import { VmnetError } from '../errors.js';
import { observeHost } from '../host/observe.js';
import { requireHost } from '../host/require.js';
import type { Context, Outcome } from './command.js';
import { type LockFlags, locked, locksFor } from './locked.js';
import { resolveName } from './resolve.js';

const WORDS: Readonly<Record<Recovery, string>> = {
  none: 'nothing was pending',
  undone: 'a provision that had been cut off was undone; the host was looked at and is as it was before it',
  'carried on': 'a destroy that had been cut off was carried on; run it again for what is left',
  outdated:
    'what was pending was of another boot or network namespace: it is forgotten, and nothing of it was done',
};

/** Bring a run that was killed to a clean end, by the journal alone: of one lab, or of all. */
export async function recover(
  labOrFile: string | undefined,
  flags: LockFlags,
  context: Context,
): Promise<Outcome> {
  await requireHost(context.drivers, 'recover');
  const names =
    labOrFile === undefined ? await context.drivers.journals.labs() : [await resolveName(labOrFile)];
  const found: Record<string, Recovery> = {};
  for (const name of names) {
    context.about.lab = name;
    found[name] = await locked(
      await locksOf(name, context.drivers),
      `vmnet recover ${name}`,
      flags,
      context,
      () => recoverOne(name, context),
    );
    context.reporter.print(`${name}: ${WORDS[found[name]]}`);
  }
  // Of runs that were killed before they wrote anything down.
  await context.drivers.locks.sweep();
  await removeEmptyFolders(context.drivers);
  if (names.length === 0) context.reporter.print('Nothing is pending on this host.');
  return { more: { recovered: found } };
}

/** The first thing that provision and destroy do, under the lab's lock. */
export async function recoverFirst(name: string, context: Context): Promise<void> {
  await noOthersPending(name, context.drivers);
  const recovery = await recoverOne(name, context);
  if (recovery !== 'none') context.reporter.warn(`${name}: ${WORDS[recovery]}`);
}

/**
 * What another lab's cut off run would undo must not be built upon.
 * @throws {VmnetError} `conflict` where it has a bridge or uplink in common with this lab
 */
async function noOthersPending(name: string, drivers: Context['drivers']): Promise<void> {
  const others = (await drivers.journals.labs()).filter(lab => lab !== name);
  if (others.length === 0) return;
  const mine = new Set(drivers.locks.names());
  for (const other of others) {
    const shared = (await locksOf(other, drivers)).filter(lock => mine.has(lock));
    if (shared.length === 0) continue;
    throw new VmnetError(
      'conflict',
      `a run of the lab ${other} was cut off, and ${name} has ${shared.map(lock => lock.replace('-', ' ')).join(' and ')} in common with it`,
      `Bring that to a clean end first: vmnet recover ${other}`,
    );
  }
}

async function recoverOne(name: string, { drivers }: Context): Promise<Recovery> {
  return recoverLab(name, drivers, await observer(name, drivers));
}

/** The locks that the pending run had taken. */
async function locksOf(name: string, drivers: Context['drivers']): Promise<string[]> {
  const journal = await readJournal(name, drivers);
  return locksFor(name, journal?.plan.record?.lab ?? journal?.former?.lab ?? null);
}

/** Look at the host in the same way as the run did that is pending. */
async function observer(name: string, drivers: Context['drivers']) {
  const journal = await readJournal(name, drivers);
  const lab = journal?.plan.record?.lab ?? journal?.former?.lab ?? null;
  const networkOnly = journal?.before.libvirt === null;
  const libvirtUser = journal?.before.libvirtUser ?? null;
  return () => observeHost(drivers, lab, { networkOnly, libvirtUser });
}

export interface GuardFlags {
  /** `PID:START` of the run. */
  readonly watch: string;
  /** Milliseconds. */
  readonly deadline: string;
}

/** Watch a provision from outside; started by it, never by people. */
export async function guard(lab: string, flags: GuardFlags, { drivers }: Context): Promise<Outcome> {
  const [pid = '', startedAt = ''] = flags.watch.split(':');
  if (!/^\d+$/.test(pid) || !/^\d+$/.test(flags.deadline))
    throw new VmnetError('usage', 'vmnet guard is started by vmnet provision');
  const observe = async () => (await observer(lab, drivers))();
  const watched = { pid: Number(pid), startedAt };
  const locks = await locksOf(lab, drivers);
  const recovery = await watch(lab, watched, Number(flags.deadline), locks, drivers, observe);
  return { lab, more: { recovery } };
}
