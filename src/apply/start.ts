import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { consoleTail } from '../guest/console.js';
import type { Awaited, GuestRef } from '../plan/model.js';
import type { Watch } from '../verify/ready/watch.js';
import { pause } from './order.js';

const LOOK_EVERY = 150;

export interface WaitOptions {
  readonly signal: AbortSignal | null;
  readonly tell: (line: string) => void;
}

/**
 * Wait until a guest is ready, in whatever sense the lab asks for. Throws `guest-died`, or `timeout` with what was seen of
 * it and its last words.
 */
export async function awaitGuest(
  guest: GuestRef & Awaited,
  drivers: Drivers,
  { signal, tell }: WaitOptions,
): Promise<void> {
  const libvirt = await drivers.libvirt();
  const booting = guest.upMarker !== null;
  tell(booting ? `${guest.name} is booting` : `${guest.name} is started; waiting for ${guest.ready}`);
  const began = performance.now();
  const watch = await watchOf(guest, drivers);
  try {
    while (!(await watch.isReady(signal))) {
      const { state } = await libvirt.state(guest.uuid, { name: guest.name });
      if (state === 'shutoff' || state === 'crashed') throw await guestDied(guest, drivers);
      if (performance.now() > began + guest.seconds * 1000)
        throw await guestLate(guest, watch.seen(), drivers);
      await pause(LOOK_EVERY, signal, `${guest.name} was ${booting ? 'booting' : 'not ready yet'}`);
    }
  } finally {
    watch.close();
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  tell(booting ? `${guest.name} is up` : `${guest.name} is ready (${guest.ready}) after ${seconds} s`);
}

/** Guests that say so on their console are believed; of others it takes more code to know. */
async function watchOf(guest: GuestRef & Awaited, drivers: Drivers): Promise<Watch> {
  const { upMarker } = guest;
  if (upMarker === null) return (await import('../verify/ready/watch.js')).watchGuest(guest, drivers);
  return {
    isReady: async () => (await drivers.files.read(guest.console))?.includes(upMarker) ?? false,
    seen: () => [],
    close: () => {},
  };
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

async function guestLate(
  guest: GuestRef & Awaited,
  seen: readonly string[],
  drivers: Drivers,
): Promise<VmnetError> {
  const tail = consoleTail(await drivers.files.read(guest.console));
  const what = guest.upMarker === null ? `ready (${guest.ready})` : 'up';
  return new VmnetError(
    'timeout',
    `the guest ${guest.name} was not ${what} after ${guest.seconds} seconds${seen.length > 0 ? `: ${seen.join('; ')}` : ''}`,
    [
      tail
        ? `Its console ended with:\n${tail}`
        : 'It wrote nothing to its serial console; does it have enough memory?',
      'If it only needs longer, raise its "readyTimeout".',
    ].join('\n'),
  );
}
