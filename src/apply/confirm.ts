import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { Plan } from '../plan/model.js';
import { ASKED, CONFIRMED, EXPIRED, KEPT } from './journal.js';

/** A person has to say that all is well, or a move is undone. */
export interface Question {
  readonly seconds: number;
  /** Calls when Enter is pressed, until the function that it returns is called; null where nobody sits at a terminal. */
  readonly listen: ((pressed: () => void) => () => void) | null;
}

/** Milliseconds between two looks at the journal, by which another shell answers. */
const LOOK_EVERY = 100;

/**
 * Wait for the yes. The journal decides: of "kept" and "expired", the first that was written holds, so that whoever
 * confirms in the last moment is told the truth.
 * @throws {VmnetError} `timeout`, or `interrupted`
 */
export async function awaitConfirmation(
  { lab, moves }: Plan,
  { seconds, listen }: Question,
  { drivers, signal }: { readonly drivers: Drivers; readonly signal: AbortSignal },
  tell: (line: string) => void,
): Promise<void> {
  const what = `the move of ${moves.map(({ from, to }) => `${from} to ${to}`).join(', ')}`;
  const { journals } = drivers;
  await journals.mark(lab, `${ASKED} ${seconds}`);
  // A clock that neither suspend nor a new wall-clock time moves.
  const ends = performance.now() + seconds * 1000;
  const stop = listen?.(() => void journals.mark(lab, KEPT).catch(() => {}));
  let shown = '';
  try {
    while (performance.now() < ends && !signal.aborted) {
      if (wasKept(await journals.words(lab))) return;
      const line = prompt(lab, what, listen ? Math.ceil((ends - performance.now()) / 1000) : seconds, listen);
      if (line !== shown) tell(line);
      shown = line;
      await sleep(LOOK_EVERY);
    }
  } finally {
    stop?.();
  }
  await journals.mark(lab, EXPIRED);
  if (signal.aborted) throw new VmnetError('interrupted', 'interrupted');
  if (wasKept(await journals.words(lab))) return;
  throw new VmnetError(
    'timeout',
    `${what} was not confirmed within ${seconds} seconds`,
    'If all was well, repeat the command and confirm in time.',
  );
}

function prompt(lab: string, what: string, seconds: number, listen: Question['listen']): string {
  return listen
    ? `Press Enter to keep ${what}, or it is undone in ${seconds} s. From another shell: vmnet confirm ${lab}`
    : `To keep ${what}, run this within ${seconds} s, or it is undone: vmnet confirm ${lab}`;
}

/** Was the yes there before the time had run out? */
function wasKept(words: readonly string[] | null): boolean {
  const [kept, expired] = [KEPT, EXPIRED].map(word => words?.indexOf(word) ?? -1) as [number, number];
  return kept >= 0 && (expired < 0 || kept < expired);
}

/** Milliseconds in which a run takes note of its answer. */
const NOTED_WITHIN = 10_000;

/** Answer from another shell. Takes no lock: the run that waits holds it. */
export async function confirmFrom(lab: string, { journals }: Drivers): Promise<void> {
  const before = await journals.words(lab);
  if (!before?.some(word => word.startsWith(`${ASKED} `)) || before.includes(CONFIRMED))
    throw new VmnetError(
      'usage',
      `no run of the lab ${lab} waits for a confirmation`,
      `vmnet status ${lab} tells what is there.`,
    );
  await journals.mark(lab, KEPT);
  const ends = performance.now() + NOTED_WITHIN;
  while (performance.now() < ends) {
    const words = await journals.words(lab);
    if (words === null || words.includes(CONFIRMED)) return;
    if (!wasKept(words))
      throw new VmnetError('timeout', `the time to confirm had run out: the run of ${lab} undoes the move`);
    await sleep(LOOK_EVERY);
  }
  throw new VmnetError(
    'timeout',
    `the run of ${lab} that asked for a confirmation does not answer`,
    `If it was killed, its guard undoes the move; if it had none: vmnet recover ${lab}`,
  );
}
