import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { Started } from '../drivers/processes.js';
import { VmnetError } from '../errors.js';
import { parseLink } from '../host/links.js';
import type { Address } from '../host/model.js';
import { processesOf } from '../host/renewers.js';
import type { Action, RenewerRef } from '../plan/model.js';
import { duidOf, lastLease, leaseOn, leaseTerms } from './leases.js';

type Of<Kind extends Action['kind']> = Extract<Action, { readonly kind: Kind }>;

/** A client that this run has started. */
interface Begun {
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

/** It runs all the time, and says nothing to us. */
const NETWORKD: Begun = { started: { output: () => '', exitCode: () => null, forget: () => {} }, knew: null };

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
  const deadline = Date.now() + LISTENS_WITHIN;
  // Exit code 0 is a daemon that has its lease already, and may listen no more.
  while ((await listeners()) <= before && started.exitCode() !== 0) {
    if (started.exitCode() !== null || Date.now() > deadline) throw notStarted(client, on, argv, started);
    await sleep(10);
  }
}

/** In the place of one that nobody has waited for. */
function remember(on: string, one: Begun, drivers: Drivers): void {
  const all = begun.get(drivers) ?? new Map<string, Begun>();
  all.get(on)?.started.forget();
  begun.set(drivers, all.set(on, one));
}

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

async function leaseKnown({ client, on, leases }: RenewerRef, { files }: Drivers): Promise<string | null> {
  const text = leases === null ? null : await files.read(leases);
  return text !== null && client === 'dhclient' ? lastLease(text, on) : text;
}

/** A lease that a client got. */
interface Lease {
  /** null where the client tells neither. */
  readonly address: string | null;
  readonly seconds: number | null;
}

/**
 * Wait until a client that was started has its lease, all addresses are still there, and nobody looks after the other
 * interface.
 * @throws {VmnetError} `timeout`, where it must
 */
export async function awaitRenewal(
  action: Of<'await-renewal'>,
  drivers: Drivers,
  options: WaitOptions,
): Promise<void> {
  const own = action.client === 'systemd-networkd' ? NETWORKD : begun.get(drivers)?.get(action.on);
  if (!own) return; // it has run all the time
  await renewal(action, own, drivers, options).finally(() => own.started.forget());
}

interface WaitOptions {
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal | null;
}

async function renewal(
  action: Of<'await-renewal'>,
  own: Begun,
  drivers: Drivers,
  { tell, signal }: WaitOptions,
): Promise<void> {
  tell(`${action.client} asks for its lease on ${action.on}`);
  const deadline = Date.now() + action.within;
  let lease = await leaseGot(action, own, drivers);
  while (lease === null) {
    if (signal?.aborted) throw new VmnetError('interrupted', 'interrupted');
    if (own.started.exitCode() || Date.now() > deadline) break;
    await sleep(50);
    lease = await leaseGot(action, own, drivers);
  }
  const trouble = await troubleWith(lease, action, own, drivers);
  if (trouble === null) return;
  if (action.must) throw trouble;
  tell(trouble.message);
}

async function leaseGot(
  action: RenewerRef,
  { started, knew }: Begun,
  drivers: Drivers,
): Promise<Lease | null> {
  if (action.client === 'udhcpc') {
    const address = /lease of ([\d.]+) obtained/i.exec(started.output())?.[1];
    return address === undefined ? null : { address, seconds: null };
  }
  if (action.client === 'systemd-networkd') {
    const { index } = await linkOf(action.on, drivers);
    const address = /^ADDRESS=(\S+)$/m.exec(
      (await drivers.files.read(`${NETIF_LEASES}/${index}`)) ?? '',
    )?.[1];
    return address === undefined ? null : { address, seconds: null };
  }
  const text = await leaseKnown(action, drivers);
  if (text === null) return null;
  if (action.client === 'dhcpcd') return text === knew ? null : { address: null, seconds: null };
  const terms = leaseTerms(text);
  // Times go by seconds, and a lease without end has none; but dhclient goes to the background when it has its lease.
  const isBound = started.exitCode() === 0 && !action.argv.includes('-nw');
  const isNew = isBound || terms.times !== (knew && leaseTerms(knew).times);
  return isNew ? terms : null;
}

/** systemd-networkd's leases, by index of their interface. */
const NETIF_LEASES = '/run/systemd/netif/leases';

/** RFC 2131: a lease without end. */
const FOREVER = 0xffffffff;

/** Milliseconds in which a client's script sets up what the client has been given. */
const SCRIPT_WITHIN = 3_000;

async function troubleWith(
  lease: Lease | null,
  action: Of<'await-renewal'>,
  { started }: Begun,
  drivers: Drivers,
): Promise<VmnetError | null> {
  const { client, on, instead, addresses } = action;
  const output = started.output().trim().split('\n').slice(-4).join('\n');
  const said = output ? `It said:\n${output}` : 'Does a DHCP server answer on this network?';
  if (lease === null) return failed(`${client} got no lease on ${on}`, said);
  const hosts = addresses.map(cidr => cidr.split('/')[0]);
  if (lease.address !== null && !hosts.includes(lease.address))
    return failed(`${client} was given ${lease.address} on ${on}, not an address that the host had`, said);
  const deadline = Date.now() + SCRIPT_WITHIN;
  for (;;) {
    const link = await linkOf(on, drivers);
    const has = link.addresses.map(({ local, prefix }) => `${local}/${prefix}`);
    const lost = addresses.filter(cidr => !has.includes(cidr));
    if (lost.length === 0) {
      await asLongAsLeased(lease, link.addresses, on, drivers);
      break;
    }
    if (Date.now() > deadline) return failed(`${client} took ${lost.join(', ')} away from ${on}`, said);
    await sleep(50);
  }
  if (client === 'systemd-networkd') return null;
  if (!(await runs(action, drivers))) return failed(`${client} ended on ${on}`, said);
  if ((await processesOf({ client, on: instead }, drivers)).some(({ frozen }) => !frozen))
    return failed(
      `somebody started ${client} on ${instead} again, which is moved to ${on}`,
      `Whoever keeps it running there has to let it be: systemctl list-units, or your own scripts, for ${client}.`,
    );
  return null;
}

/** A daemon that goes to the background at this moment may be seen neither as the one process nor as the other. */
async function runs(action: RenewerRef, drivers: Drivers): Promise<boolean> {
  for (let tries = 0; tries < 10; tries++) {
    if ((await processesOf(action, drivers)).length > 0) return true;
    await sleep(50);
  }
  return false;
}

/**
 * dhclient's script cannot add an address that is there already, and so leaves it the rest of its old lifetime until
 * the next renewal, which may come later than that.
 */
async function asLongAsLeased(
  { address, seconds }: Lease,
  addresses: readonly Address[],
  on: string,
  drivers: Drivers,
): Promise<void> {
  const short = addresses.filter(
    ({ local, validLifetime }) =>
      local === address &&
      seconds !== null &&
      seconds !== FOREVER &&
      validLifetime !== null &&
      validLifetime < seconds - 1,
  );
  await drivers.ip.batch(
    short.map(
      ({ local, prefix, metric }) =>
        `address change ${local}/${prefix} dev ${on}${metric === null ? '' : ` metric ${metric}`} valid_lft ${seconds} preferred_lft ${seconds}`,
    ),
    { force: true },
  );
}

async function linkOf(name: string, drivers: Drivers) {
  const link = (await drivers.ip.links()).map(parseLink).find(found => found.name === name);
  if (link) return link;
  throw new VmnetError('command-failed', `there is no interface ${name} for a DHCP client`);
}

const failed = (message: string, hint: string) => new VmnetError('timeout', message, hint);

const notStarted = (client: string, on: string, argv: readonly string[], started: Started) =>
  new VmnetError(
    'command-failed',
    `${client} does not start on ${on}: ${started.output().trim() || 'it does not listen there'}`,
    `It was started as: ${argv.join(' ')}`,
  );
