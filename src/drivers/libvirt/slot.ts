import { Worker } from 'node:worker_threads';
import { PACKAGE } from '../../place.js';
import { enter, leave } from './leaving.js';
import type { Reply, Request, WorkerSetup } from './protocol.js';

export type Outcome =
  | { kind: 'reply'; reply: Reply }
  /** The deadline passed; the worker is still inside the call. */
  | { kind: 'expired' }
  /** The worker is no more: a bug of ours, as libvirt's failures are replies. */
  | { kind: 'died'; error: Error };

/** Longest delay that setTimeout knows; beyond it, it fires at once. */
const TIMER_LIMIT_MS = 2 ** 31 - 1;

/** Time for a good-bye to the daemon; it notices a closed socket by itself, too. */
const CLOSE_MS = 2000;

/** One worker with its connection. It holds the process open only while it is inside a call. */
export class Slot {
  readonly #worker: Worker;
  #dead: Outcome | null = null;
  #finish: (outcome: Outcome) => void = () => {};

  constructor(setup: WorkerSetup) {
    this.#worker = new Worker(new URL('dist/drivers/libvirt/worker.js', PACKAGE), {
      name: 'libvirt',
      workerData: setup,
      // Node's own would be passed on, and some of them (--input-type) do not fit a file.
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => {
      leave(this);
      this.#finish({ kind: 'reply', reply });
    });
    this.#worker.on('error', error => this.#die(error));
    this.#worker.on('exit', () => this.#die(new Error('the libvirt worker ended')));
  }

  /** Never rejects. Call it again only after a reply. */
  perform(request: Request, deadlineMs: number): Promise<Outcome> {
    if (this.#dead !== null) return Promise.resolve(this.#dead);
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#finish({ kind: 'expired' }), Math.min(deadlineMs, TIMER_LIMIT_MS));
      this.#finish = outcome => {
        clearTimeout(timer);
        this.#worker.unref();
        this.#finish = () => {};
        resolve(outcome);
      };
      enter(this);
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  /** Disconnects and ends the thread; leaves it behind if even that gets no answer. */
  async close(): Promise<void> {
    const { kind } = await this.perform({ op: 'close', args: [] }, CLOSE_MS);
    if (kind === 'reply') await this.#worker.terminate();
    if (kind === 'expired') this.abandon();
  }

  /** After an expiry: closes once the call comes back, should it ever. A thread inside C code cannot be stopped. */
  abandon(): void {
    this.#worker.once('message', () => void this.close());
  }

  #die(error: Error): void {
    leave(this);
    this.#dead = { kind: 'died', error };
    this.#finish(this.#dead);
  }
}
