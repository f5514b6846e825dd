import { setMaxListeners } from 'node:events';
import { VmnetError } from '../errors.js';

/** Something to do, in two parts, perhaps after others. */
export interface Job {
  readonly title: string;
  /** By which others call it. */
  readonly name?: string | undefined;
  /** Jobs that have ended before this one begins, and what to say of each. */
  readonly after?: readonly { readonly name: string; readonly what: string }[] | undefined;
  /** Takes one of the places. */
  act(): Promise<void>;
  /** Takes none. The signal comes with an interruption, and when another job has failed. */
  wait(signal: AbortSignal): Promise<void>;
}

/**
 * Each job as soon as those that it comes after have ended, as many at once as there are places. The first failure ends
 * all waits, lets those under way end, starts no more, and is thrown.
 */
export async function inOrder(
  jobs: readonly Job[],
  places: number,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<void> {
  const open = new Set(jobs.flatMap(({ name }) => name ?? []));
  const missing = ({ after = [] }: Job) => after.filter(({ name }) => open.has(name));
  const waiting = [...jobs];
  const failures: unknown[] = [];
  const over = new AbortController();
  // Every guest that is waited for listens.
  setMaxListeners(0, over.signal);
  const end = () => over.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  for (const job of jobs) {
    const what = missing(job).map(one => one.what);
    if (what.length > 0) tell(`${job.name ?? job.title} waits for ${what.join(', ')}`);
  }
  await new Promise<void>(resolve => {
    let acting = 0;
    let running = 0;
    const next = () => {
      while (acting < places && failures.length === 0) {
        const at = waiting.findIndex(job => missing(job).length === 0);
        if (at < 0) break;
        const [job] = waiting.splice(at, 1);
        if (job) begin(job);
      }
      if (running === 0) resolve();
    };
    const begin = (job: Job) => {
      acting++;
      running++;
      void run(job).then(() => {
        running--;
        next();
      });
    };
    const run = async (job: Job) => {
      try {
        await job.act().finally(() => {
          acting--;
          queueMicrotask(next);
        });
        await job.wait(over.signal);
        if (job.name !== undefined) open.delete(job.name);
      } catch (error) {
        failures.push(error);
        end();
      }
    };
    next();
  });
  signal.removeEventListener('abort', end);
  if (failures.length > 0) throw failures[0];
  if (waiting.length > 0) throw new Error(`${waiting[0]?.title} waits for something that never comes`);
}

/** Sleep, unless told to stop. Throws `interrupted`. */
export async function pause(ms: number, signal: AbortSignal | null, what: string): Promise<void> {
  const interrupted = () => new VmnetError('interrupted', `interrupted while ${what}`);
  if (signal?.aborted) throw interrupted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(interrupted());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
