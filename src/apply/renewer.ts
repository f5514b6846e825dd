import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { Started } from '../drivers/processes.js';
import { VmnetError } from '../errors.js';
import { parseLink } from '../host/links.js';
import { processesOf } from '../host/renewers.js';
import type { Action, RenewerRef } from '../plan/model.js';
import { duidOf, lastLease, leaseOn } from './leases.js';

/** An action of one kind. */
export type Of<Kind extends Action['kind']> = Extract<Action, { readonly kind: Kind }>;

/** A client that this run has started. */
export interface Begun {
  readonly started: Started;
  /** What it knew of a lease when it was started. */
  readonly knew: string | null;
}

/** By interface; those that ran already are not among them. */
const begun = new WeakMap<Drivers, Map<string, Begun>>();

/** What it was told stays with it: should the move be undone, it goes on as if nothing had been. */
export async function freezeRenewer(action: Of<'freeze-renewer'>, drivers: Drivers): Promise<void> {
  await drivers.processes.freeze(await processesOf(action, drivers), true);
}

/** Killed: by any other signal it may release its lease (udhcpc -R) or take the address away (dhcpcd). */
export async function stopRenewer(action: Of<'stop-renewer'>, drivers: Drivers): Promise<void> {
  await drivers.processes.end(await processesOf(action, drivers));
}

/** Milliseconds for a client to listen on its interface. */
const LISTENS_WITHIN = 10_000;

/** Start a client, or let it go on; return when it listens; by then its script has prepared the interface. */
export async function startRenewer(action: Of<'start-renewer'>, drivers: Drivers): Promise<void> {
  const { client, on, argv } = action;
  const there = await processesOf(action, drivers);
  await drivers.processes.freeze(
    there.filter(({ frozen }) => frozen),
    false,
  );
  if (there.length > 0) return;
  await seedLease(action, drivers);
  const knew = await leaseKnown(action, drivers);
  const { index } = await linkOf(on, drivers);
  const listeners = async () => (await drivers.processes.listenedTo()).filter(of => of === index).length;
  const before = await listeners();
  const started = await drivers.processes.start(argv);
  remember(on, { started, knew }, drivers);
  const deadline = performance.now() + LISTENS_WITHIN;
  // Exit code 0 is a daemon that has its lease already, and may listen no more.
  while ((await listeners()) <= before && started.exitCode() !== 0) {
    if (started.exitCode() !== null || performance.now() > deadline)
      throw notStarted(client, on, argv, started);
    await sleep(10);
  }
}

/** In the place of one that nobody has waited for. */
function remember(on: string, one: Begun, drivers: Drivers): void {
  const all = begun.get(drivers) ?? new Map<string, Begun>();
  all.get(on)?.started.forget();
  begun.set(drivers, all.set(on, one));
}

/** The client that this run has started on an interface; undefined where it ran already. */
export const begunOn = (on: string, drivers: Drivers): Begun | undefined => begun.get(drivers)?.get(on);

/** Let the client know which lease the other interface had, so that it asks for the same address. */
async function seedLease({ client, on, leases, seed }: Of<'start-renewer'>, drivers: Drivers): Promise<void> {
  const { files } = drivers;
  const from = seed === null ? null : await files.read(seed.path);
  if (seed === null || from === null || leases === null) return;
  if (client !== 'dhclient') return files.copy(seed.path, leases);
  const block = lastLease(from, seed.on);
  if (!block) return;
  const known = (await files.read(leases)) ?? '';
  // Under another name, the server would take it for somebody else.
  const duid = duidOf(known) === '' ? duidOf(from) : '';
  await files.write(leases, `${duid}${known}${leaseOn(block, seed.on, on)}\n`);
}

/** What is written of a client's lease; null where nothing is. */
export async function leaseKnown(
  { client, on, leases }: RenewerRef,
  { files }: Drivers,
): Promise<string | null> {
  const text = leases === null ? null : await files.read(leases);
  return text !== null && client === 'dhclient' ? lastLease(text, on) : text;
}

/** How an interface is now. @throws {VmnetError} where there is none */
export async function linkOf(name: string, drivers: Drivers) {
  const link = (await drivers.ip.links()).map(parseLink).find(found => found.name === name);
  if (link) return link;
  throw new VmnetError('command-failed', `there is no interface ${name} for a DHCP client`);
}

const notStarted = (client: string, on: string, argv: readonly string[], started: Started) =>
  new VmnetError(
    'command-failed',
    `${client} does not start on ${on}: ${started.output().trim() || 'it does not listen there'}`,
    `It was started as: ${argv.join(' ')}`,
  );
