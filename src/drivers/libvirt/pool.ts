import { VmnetError } from '../../errors.js';
import { hungError, type Subject, timeoutError, toError } from './errors.js';
import type { Arguments, OperationName, Request, Result } from './protocol.js';
import { type Outcome, Slot } from './slot.js';

/** Every call takes these. */
export interface CallOptions {
  /** Milliseconds from the moment a worker takes the call; the pool's own by default. */
  deadlineMs?: number;
  /** Rejects with its reason. A call that a worker has already taken is carried out all the same. */
  signal?: AbortSignal;
  /** What people call the domain; messages say it in place of the UUID. */
  name?: string;
}

/** One call that has ended: what it was to do, how long that took, and what came of it. */
export type PoolTrace = (entry: { what: string; ms: number; outcome: string }) => void;

interface Job {
  request: Request;
  subject: Subject;
  deadlineMs: number;
  resolve(result: unknown): void;
  reject(reason: unknown): void;
}

/** Workers that take one call at a time each; the next one starts when there is work for it. */
export class Pool {
  readonly #uri: string;
  readonly #limit: number;
  readonly #deadlineMs: number;
  readonly #trace: PoolTrace;
  /** Each slot with the promise of its current spell of work. */
  readonly #slots = new Map<Slot, Promise<void>>();
  #idle: Slot[] = [];
  #queue: Job[] = [];
  /** When the daemon last answered anything, by performance.now(). */
  #lastReply = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | null = null;

  constructor(uri: string, workers: number, deadlineMs: number, trace: PoolTrace = () => {}) {
    this.#uri = uri;
    this.#limit = workers;
    this.#deadlineMs = deadlineMs;
    this.#trace = trace;
  }

  /** `what` fits after "cannot" and names the object: it opens the message of every failure. */
  async call<K extends OperationName>(
    what: string,
    op: K,
    args: Arguments<K>,
    options: CallOptions = {},
  ): Promise<Result<K>> {
    const started = performance.now();
    const tell = (outcome: string) =>
      this.#trace({ what: `libvirt: ${what}`, ms: performance.now() - started, outcome });
    try {
      const result = await this.#call(what, op, args, options);
      tell('done');
      return result;
    } catch (error) {
      tell(String(error));
      throw error;
    }
  }

  async #call<K extends OperationName>(
    what: string,
    op: K,
    args: Arguments<K>,
    { deadlineMs = this.#deadlineMs, signal }: CallOptions,
  ): Promise<Result<K>> {
    signal?.throwIfAborted();
    const subject = { uri: this.#uri, what };
    if (this.#closing !== null) throw closedError(subject);
    let onAbort = (): void => {};
    try {
      return await new Promise<Result<K>>((resolve, reject) => {
        const request: Request = { op, args };
        const job: Job = { request, subject, deadlineMs, resolve: resolve as Job['resolve'], reject };
        onAbort = () => this.#drop(job, signal?.reason);
        signal?.addEventListener('abort', onAbort);
        this.#queue.push(job);
        this.#wake();
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Lets calls in progress end, refuses those that wait, disconnects. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#refuse(({ subject }) => closedError(subject));
    await Promise.all(this.#slots.values());
    await Promise.all(this.#idle.map(slot => slot.close()));
  }

  #wake(): void {
    if (this.#queue.length === 0) return;
    const slot = this.#idle.pop() ?? (this.#slots.size < this.#limit ? new Slot({ uri: this.#uri }) : null);
    if (slot !== null) this.#slots.set(slot, this.#work(slot));
  }

  /** Serves the queue until it is empty, or the worker is lost. */
  async #work(slot: Slot): Promise<void> {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      const takenAt = performance.now();
      const outcome = await slot.perform(job.request, job.deadlineMs);
      this.#settle(job, outcome);
      if (outcome.kind !== 'reply') return this.#lose(slot, outcome, takenAt);
      this.#lastReply = performance.now();
    }
    this.#idle.push(slot);
  }

  #settle({ resolve, reject, subject, deadlineMs }: Job, outcome: Outcome): void {
    if (outcome.kind === 'expired') reject(timeoutError(subject, deadlineMs));
    else if (outcome.kind === 'died') reject(outcome.error);
    else if (outcome.reply.ok) resolve(outcome.reply.result);
    else reject(toError(outcome.reply.failure, subject));
  }

  /** Makes room for another worker. If nobody got an answer since the lost call began, those that wait will not either. */
  #lose(slot: Slot, outcome: Outcome, takenAt: number): void {
    this.#slots.delete(slot);
    if (outcome.kind === 'expired') {
      slot.abandon();
      if (this.#lastReply < takenAt) this.#refuse(({ subject }) => hungError(subject));
    }
    this.#wake();
  }

  #refuse(reason: (job: Job) => Error): void {
    const waiting = this.#queue;
    this.#queue = [];
    for (const job of waiting) job.reject(reason(job));
  }

  #drop(job: Job, reason: unknown): void {
    this.#queue = this.#queue.filter(other => other !== job);
    job.reject(reason);
  }
}

const closedError = ({ uri, what }: Subject) =>
  new VmnetError('libvirt', `cannot ${what}: the connection to libvirt at ${uri} was closed`);
