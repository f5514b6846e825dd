import type { Drivers } from '../drivers/drivers.js';
import { hasServices } from '../lab/has.js';
import type { Lab } from '../lab/model.js';
import type { LabRecord, ServiceState } from './model.js';
import { asAppliedAndWanted } from './records.js';

/** Files of a bridge's dnsmasq, below the state folder. */
export interface ServiceFiles {
  /** Its name bears the digest of its text: so the command line of a process tells what it serves. */
  readonly config: string;
  readonly leases: string;
  readonly pid: string;
}

/** Folder of a lab's services. */
export const serviceFolder = (stateDir: string, lab: string) => `${stateDir}/services/${lab}`;

export function serviceFiles(stateDir: string, lab: string, bridge: string, digest: string): ServiceFiles {
  const start = `${serviceFolder(stateDir, lab)}/${bridge}`;
  return { config: `${start}.${digest}.conf`, leases: `${start}.leases`, pid: `${start}.pid` };
}

/** A dnsmasq of ours: which one it is, and the processes that it is made of while it starts. */
export interface FoundService extends Omit<ServiceState, 'config'> {
  readonly path: string;
  readonly pid: number;
  readonly startedAt: string;
}

const CONFIG = /^--conf-file=(.+)\/services\/([A-Za-z0-9_-]+)\/([A-Za-z0-9_.-]+)\.([0-9a-f]{16})\.conf$/;

/** Those of our state folder in our network namespace, by the config file on their command line. */
export async function findServices({ processes, stateDir }: Drivers): Promise<FoundService[]> {
  return (await processes.named(['dnsmasq'])).flatMap(({ pid, startedAt, argv }) => {
    for (const word of argv) {
      const [, folder, lab, bridge, digest] = CONFIG.exec(word) ?? [];
      if (folder !== stateDir || !lab || !bridge || !digest) continue;
      return [{ lab, bridge, digest, pid, startedAt, path: word.slice('--conf-file='.length) }];
    }
    return [];
  });
}

/** All that run; no process is looked at where no lab in question has any. */
export async function readServices(
  lab: Lab | null,
  records: readonly LabRecord[],
  drivers: Drivers,
): Promise<ServiceState[]> {
  const labs = asAppliedAndWanted(lab, records);
  if (lab !== null && !labs.some(hasServices)) return [];
  const found = await findServices(drivers);
  const states = new Map(found.map(service => [service.path, service] as const));
  return Promise.all(
    [...states.values()].map(async ({ lab, bridge, digest, path }) => ({
      lab,
      bridge,
      digest,
      config: await drivers.files.read(path),
    })),
  );
}
