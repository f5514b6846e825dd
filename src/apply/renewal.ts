import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { Address } from '../host/model.js';
import { leaseFile } from '../host/networkd.js';
import { processesOf } from '../host/renewers.js';
import type { RenewerRef } from '../plan/model.js';
import { leaseTerms } from './leases.js';
import { type Begun, begunOn, leaseKnown, linkOf, type Of } from './renewer.js';

/** It runs all the time, and says nothing to us. */
const NETWORKD: Begun = { started: { output: () => '', exitCode: () => null, forget: () => {} }, knew: null };

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
  const own = action.client === 'systemd-networkd' ? NETWORKD : begunOn(action.on, drivers);
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
  const deadline = performance.now() + action.within;
  let lease = await leaseGot(action, own, drivers);
  while (lease === null) {
    if (signal?.aborted) throw new VmnetError('interrupted', 'interrupted');
    if (own.started.exitCode() || performance.now() > deadline) break;
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
    const address = /^ADDRESS=(\S+)$/m.exec((await drivers.files.read(leaseFile(index))) ?? '')?.[1];
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
  const deadline = performance.now() + SCRIPT_WITHIN;
  for (;;) {
    const link = await linkOf(on, drivers);
    const has = link.addresses.map(({ local, prefix }) => `${local}/${prefix}`);
    const lost = addresses.filter(cidr => !has.includes(cidr));
    if (lost.length === 0) {
      await asLongAsLeased(lease, link.addresses, on, drivers);
      break;
    }
    if (performance.now() > deadline)
      return failed(`${client} took ${lost.join(', ')} away from ${on}`, said);
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

const failed = (message: string, hint: string) => new VmnetError('timeout', message, hint);
