import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { HostState } from '../host/model.js';
import { isRunning, kill, type ProcessRef } from '../process.js';
import { CONFIRMED, GUARDED } from './journal.js';
import { type Recovery, recover } from './recover.js';

/** Milliseconds between two looks; a guard lives for seconds. */
const LOOK_EVERY = 100;

/**
 * Wait beside a provision that moves an uplink. Returns when the move is confirmed or the run has ended by itself.
 * If the run dies or the deadline passes, the run is ended and undone.
 * @param locks those of the run
 * @param deadlineMs milliseconds for the run to confirm that the host is still reached
 */
export async function guard(
  lab: string,
  watched: ProcessRef,
  deadlineMs: number,
  locks: readonly string[],
  drivers: Drivers,
  observe: () => Promise<HostState>,
): Promise<Recovery> {
  if (!(await isOpen(lab, drivers))) return 'none';
  await drivers.journals.mark(lab, GUARDED);
  const deadline = Date.now() + deadlineMs;
  while (await isRunning(watched)) {
    if (!(await isOpen(lab, drivers))) return 'none';
    if (Date.now() > deadline) kill(watched.pid);
    await sleep(LOOK_EVERY);
  }
  // It is gone.
  if (!(await isOpen(lab, drivers))) return 'none';
  // A batch of its own may still run, and holds the lock until it is done.
  const held = await drivers.locks.take(locks, `the guard of ${lab}`, () => {});
  try {
    return (await isOpen(lab, drivers)) ? await recover(lab, drivers, observe) : 'none';
  } finally {
    held.release();
  }
}

/** Is a run under way whose move is not confirmed yet? */
async function isOpen(lab: string, drivers: Drivers): Promise<boolean> {
  const words = await drivers.journals.words(lab);
  return words !== null && !words.includes(CONFIRMED);
}
