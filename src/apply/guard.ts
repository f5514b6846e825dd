import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { HostState } from '../host/model.js';
import { isRunning, kill, type ProcessRef } from '../process.js';
import { ASKED, CONFIRMED, EXPIRED, GUARDED } from './journal.js';
import { type Recovery, recover } from './recover.js';

/** Milliseconds between two looks; a guard lives for seconds. */
const LOOK_EVERY = 100;

/**
 * Wait beside a provision that moves an uplink. Returns when the move is confirmed or the run has ended by itself.
 * If the run dies or does not go on in time, it is ended and undone. The time runs on a clock that stands still
 * while the machine is suspended, and that a new wall-clock time does not move.
 * @param locks those of the run
 * @param patienceMs milliseconds from the beginning of the move in which the run has to find that the host is still
 *   reached; while it waits for a person, that much longer than the person has
 */
export async function guard(
  lab: string,
  watched: ProcessRef,
  patienceMs: number,
  locks: readonly string[],
  drivers: Drivers,
  observe: () => Promise<HostState>,
): Promise<Recovery> {
  if (!(await openWords(lab, drivers))) return 'none';
  await drivers.journals.mark(lab, GUARDED);
  let stage = '';
  let due = Number.POSITIVE_INFINITY;
  while (await isRunning(watched)) {
    const words = await openWords(lab, drivers);
    if (words === null) return 'none';
    const now = stageOf(words);
    if (now !== stage) due = performance.now() + patienceIn(now, patienceMs);
    stage = now;
    if (performance.now() > due) kill(watched.pid);
    await sleep(LOOK_EVERY);
  }
  // It is gone.
  if (!(await openWords(lab, drivers))) return 'none';
  await drivers.journals.mark(lab, EXPIRED).catch(() => {}); // whoever confirms now is too late
  // A batch of its own may still run, and holds the lock until it is done.
  const held = await drivers.locks.take(locks, `the guard of ${lab}`, () => {});
  try {
    return (await openWords(lab, drivers)) ? await recover(lab, drivers, observe) : 'none';
  } finally {
    held.release();
  }
}

/** How far the run is: before the move, in it (`uplink`), or waiting for a person (`asked 60`). */
export const stageOf = (words: readonly string[]): string =>
  words.find(word => word.startsWith(`${ASKED} `)) ?? (words.includes('uplink') ? 'uplink' : '');

/** Milliseconds that a stage may take. Before the move there is nothing to put back, however long that takes. */
export function patienceIn(stage: string, patienceMs: number): number {
  if (stage === '') return Number.POSITIVE_INFINITY;
  const [, seconds = '0'] = stage.split(' ');
  return Number(seconds) * 1000 + patienceMs;
}

/** The words of a run whose move is not confirmed yet; null where there is none. */
async function openWords(lab: string, drivers: Drivers): Promise<readonly string[] | null> {
  const words = await drivers.journals.words(lab);
  return words?.includes(CONFIRMED) ? null : words;
}
