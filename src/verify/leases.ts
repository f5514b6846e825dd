import type { Drivers } from '../drivers/drivers.js';
import { type Lease, parseLeases } from '../host/leases.js';
import { serviceFiles } from '../host/services.js';
import type { Lab } from '../lab/model.js';
import type { Stimulus } from './stimulus.js';
import type { Target } from './targets.js';

// A guest that has just been started gets its address a moment after it is up: only then can it speak to its gateway.

/** What our own DHCP servers have given out. */
export async function leasesOf(lab: Lab, { files, stateDir }: Drivers): Promise<Lease[]> {
  const served = lab.bridges.filter(({ dhcp }) => dhcp !== null);
  const texts = await Promise.all(
    served.map(({ name }) => files.read(serviceFiles(stateDir, lab.name, name, '').leases)),
  );
  return texts.flatMap(text => parseLeases(text ?? ''));
}

/** Between the server's word and the guest's use of it. */
const SETTLE_MS = 3000;

export interface LeaseWait {
  /** Tells the stimulus what leases say. */
  learn(): Promise<void>;
  /** Has the guest no address yet that it answers at? */
  awaits(target: Target): boolean;
}

export function waitForLeases(stimulus: Stimulus, leases: () => Promise<readonly Lease[]>): LeaseWait {
  const since = new Map<string, number>();
  return {
    async learn() {
      for (const { mac, address } of await leases()) {
        stimulus.learn({ mac, ip: address, by: 'dhcp' });
        if (!since.has(mac)) since.set(mac, Date.now());
      }
    },
    awaits(target) {
      if (!target.leased || [...stimulus.answered(target)].some(isFour)) return false;
      const leasedAt = since.get(target.nic.mac);
      // Not every guest answers echo requests.
      return leasedAt === undefined || Date.now() - leasedAt < SETTLE_MS;
    },
  };
}

const isFour = (address: string) => !address.includes(':');
