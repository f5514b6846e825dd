import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { consoleTail } from '../guest/console.js';
import type { GuestRef } from '../plan/model.js';

/** Milliseconds; the probe guest needs two seconds under emulation, and far more on a busy machine. */
const UP_WITHIN = 120_000;
const LOOK_EVERY = 150;

export interface WaitOptions {
  readonly signal: AbortSignal | null;
  readonly tell: (line: string) => void;
}

/** Wait until a guest says on its console that it is up. Throws `guest-died` or `timeout` with its last words. */
export async function awaitGuest(
  guest: GuestRef & { readonly upMarker: string },
  drivers: Drivers,
  { signal, tell }: WaitOptions,
): Promise<void> {
  const libvirt = await drivers.libvirt();
  tell(`${guest.name} is booting`);
  const deadline = Date.now() + UP_WITHIN;
  while (!(await drivers.files.read(guest.console))?.includes(guest.upMarker)) {
    if (signal?.aborted) throw new VmnetError('interrupted', `interrupted while ${guest.name} was booting`);
    const { state } = await libvirt.state(guest.uuid, { name: guest.name });
    if (state === 'shutoff' || state === 'crashed') throw await guestDied(guest, drivers);
    if (Date.now() > deadline) throw await guestLate(guest, drivers);
    await sleep(LOOK_EVERY);
  }
  tell(`${guest.name} is up`);
}

/** A guest that stopped by itself, with the tail of its console. */
export async function guestDied(
  guest: Pick<GuestRef, 'name' | 'console'>,
  drivers: Drivers,
): Promise<VmnetError> {
  const tail = consoleTail(await drivers.files.read(guest.console));
  return new VmnetError(
    'guest-died',
    `the guest ${guest.name} stopped while it booted`,
    tail
      ? `Its console ended with:\n${tail}`
      : "It wrote nothing to its serial console; see libvirt's log of the domain.",
  );
}

async function guestLate(guest: GuestRef, drivers: Drivers): Promise<VmnetError> {
  const tail = consoleTail(await drivers.files.read(guest.console));
  return new VmnetError(
    'timeout',
    `the guest ${guest.name} was not up after ${UP_WITHIN / 1000} seconds`,
    tail
      ? `Its console ended with:\n${tail}`
      : 'It wrote nothing to its serial console; does it have enough memory?',
  );
}
