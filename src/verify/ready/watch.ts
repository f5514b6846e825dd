import type { Drivers } from '../../drivers/drivers.js';
import { bare } from '../../lab/cidr.js';
import type { Ready } from '../../lab/model.js';
import { portOf } from '../../lab/order.js';
import { answers } from './connect.js';
import { type Ear, makeEar, type WaitedNic } from './ear.js';

/** A guest, and what shows that others may count on it. */
export interface Waited {
  readonly name: string;
  readonly uuid: string;
  readonly ready: Ready;
  readonly nics: readonly WaitedNic[];
}

/** Looks again and again whether a guest is ready. */
export interface Watch {
  /** Some seconds at most. */
  isReady(signal: AbortSignal | null): Promise<boolean>;
  /** What was seen so far, as the parts of a sentence. */
  seen(): string[];
  close(): void;
}

/** Hears at its taps, and asks it what it takes to know. */
export function watchGuest(guest: Waited, drivers: Drivers): Watch {
  const ear = makeEar(guest.nics, drivers);
  const { isReady, seen } = judge(guest, ear, drivers);
  return {
    async isReady(signal) {
      await ear.listen();
      return isReady(signal);
    },
    seen: () => [...heard(ear), ...seen()],
    close: () => ear.close(),
  };
}

function judge(guest: Waited, ear: Ear, drivers: Drivers): Omit<Watch, 'close'> {
  const port = portOf(guest.ready);
  if (port !== null) return atPort(guest, port, ear);
  switch (guest.ready) {
    case 'address':
      return { isReady: async () => ear.addresses().length > 0, seen: () => [] };
    case 'agent':
      return agent(guest, drivers);
    default:
      return { isReady: async () => guest.ready === 'none' || ear.frames() > 0, seen: () => [] };
  }
}

function atPort({ nics, ready }: Waited, port: number, ear: Ear): Omit<Watch, 'close'> {
  const refused = new Map<string, string>();
  return {
    async isReady(signal) {
      const given = nics.flatMap(({ asked, addresses }) => (asked ? addresses.map(bare) : []));
      const all = [...new Set([...ear.addresses(), ...given])];
      const reasons = await Promise.all(all.map(address => answers(address, port, ready === 'ssh', signal)));
      for (const [i, address] of all.entries()) refused.set(address, reasons[i] ?? 'it answers');
      return reasons.includes(null);
    },
    seen: () => [...refused].map(([address, reason]) => `port ${port} of ${address}: ${reason}`),
  };
}

function agent({ uuid, name }: Waited, drivers: Drivers): Omit<Watch, 'close'> {
  let reason = '';
  return {
    async isReady() {
      try {
        await (await drivers.libvirt()).pingAgent(uuid, { name });
        return true;
      } catch (error) {
        reason = (error as Error).message;
        return false;
      }
    },
    seen: () => (reason === '' ? [] : [reason]),
  };
}

function heard(ear: Ear): string[] {
  const [frames, leases, addresses] = [ear.frames(), ear.leaseAsked(), ear.addresses()];
  const times = (count: number) => (count === 1 ? 'once' : `${count} times`);
  return [
    frames === 0 ? 'no frame came from it' : `${frames} ${frames === 1 ? 'frame' : 'frames'} came from it`,
    ...(leases > 0 ? [`it asked for a lease ${times(leases)}`] : []),
    addresses.length > 0 ? `it has said to have ${addresses.join(', ')}` : 'it has shown no address',
  ];
}
