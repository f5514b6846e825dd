import { availableParallelism } from 'node:os';
import type { Drivers } from '../drivers/drivers.js';
import { inOrder, pause } from './order.js';
import { isRefusal, NOT_RUNNING, unless } from './refusals.js';

/** A guest that is to be stopped. */
export interface StopRef {
  /** The VM. */
  readonly vm: string;
  /** The domain. */
  readonly name: string;
  readonly uuid: string;
  /** VMs that are stopped before it. */
  readonly after: readonly string[];
}

export interface StopOptions {
  /** Seconds that each guest has to shut down; null: none at all. */
  readonly seconds: number | null;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

export interface Stopped {
  readonly vm: string;
  readonly how: 'shut down' | 'plug pulled';
}

const LOOK_EVERY = 250;

/** A guest that boots hears no power button: it is pressed again after so many milliseconds. */
const ASK_AGAIN = 10_000;

/** Ask guests to shut down, those that depend on others first; who does not in time has the plug pulled. */
export async function stopGuests(
  guests: readonly StopRef[],
  drivers: Drivers,
  { seconds, signal, tell }: StopOptions,
): Promise<Stopped[]> {
  const stopped: Stopped[] = [];
  const libvirt = await drivers.libvirt();
  const jobs = guests.map(({ vm, name, uuid, after }) => {
    const pull = () => unless(NOT_RUNNING, () => libvirt.destroy(uuid, {}, { name }));
    const done = (how: Stopped['how']) => void stopped.push({ vm, how });
    return {
      title: vm,
      name: vm,
      after: after.map(other => ({ name: other, what: other })),
      async act() {
        if (seconds === null) await pull();
      },
      async wait(over: AbortSignal) {
        if (seconds === null) return done('plug pulled');
        const began = performance.now();
        let asked = Number.NEGATIVE_INFINITY;
        for (;;) {
          if (performance.now() - asked >= ASK_AGAIN) {
            asked = performance.now();
            tell(`${vm} is asked to shut down`);
            // libvirt asks the guest agent where one answers, else it presses the power button.
            await libvirt.shutdown(uuid, { name }).catch((error: Error) => {
              if (!isRefusal(error, NOT_RUNNING)) tell(`${vm} could not be asked: ${error.message}`);
            });
          }
          if (await isOff(uuid, name)) return done('shut down');
          if (performance.now() - began >= seconds * 1000) {
            tell(`${vm} did not shut down within ${seconds} s: its plug is pulled`);
            await pull();
            return done('plug pulled');
          }
          await pause(LOOK_EVERY, over, `${vm} was shutting down`);
        }
      },
    };
  });
  const isOff = async (uuid: string, name: string) => {
    const found = await libvirt.state(uuid, { name }).catch((error: Error) => {
      if (!isRefusal(error, NOT_RUNNING)) throw error;
      return { state: 'shutoff' };
    });
    return found.state === 'shutoff' || found.state === 'crashed';
  };
  await inOrder(jobs, availableParallelism(), signal, tell);
  return stopped;
}
