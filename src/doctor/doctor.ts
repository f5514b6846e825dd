import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { followLab } from '../host/libvirt-user.js';
import type { HostState } from '../host/model.js';
import { readRecords } from '../host/records.js';
import type { Lab } from '../lab/model.js';
import type { RenderContext } from '../render/domain.js';
import { lookAtConfinement } from './confinement.js';
import { type Ground, makeGround } from './ground.js';
import { lookAtGuests } from './guests.js';
import { lookAtKernel } from './kernel.js';
import { lookAtKvm } from './kvm.js';
import { lookAtLab } from './lab.js';
import { lookAtLibvirt } from './libvirt.js';
import { lookAtLibvirtUser } from './libvirt-user.js';
import { about, type Finding } from './model.js';
import { lookAtNesting } from './nested.js';
import { lookAtNetfilter } from './netfilter.js';
import { lookAtDisk, lookAtMemory } from './resources.js';
import { lookAtRights } from './rights.js';
import { lookAtLabs, lookAtState } from './state.js';
import { lookAtSubnets } from './subnets.js';
import { lookAtTools } from './tools.js';
import { lookAtTwins } from './twins.js';
import { lookAtUplinks } from './uplink.js';

/** A topic: what to call it where it cannot be looked at, and who looks. */
export interface Probe {
  readonly id: string;
  readonly subject: string;
  look(ground: Ground): Promise<Finding[]>;
}

/** In the order in which they are told. */
const PROBES: readonly Probe[] = [
  { id: 'rights', subject: 'rights', look: lookAtRights },
  { id: 'tools', subject: 'tools', look: lookAtTools },
  { id: 'kernel', subject: 'kernel', look: lookAtKernel },
  { id: 'kvm', subject: 'KVM', look: lookAtKvm },
  { id: 'libvirt', subject: 'libvirt', look: lookAtLibvirt },
  { id: 'libvirt-user', subject: 'libvirt user', look: lookAtLibvirtUser },
  { id: 'confinement', subject: 'confinement', look: lookAtConfinement },
  { id: 'netfilter', subject: 'firewall', look: lookAtNetfilter },
  { id: 'uplink', subject: 'uplink', look: lookAtUplinks },
  { id: 'nested', subject: 'nested', look: lookAtNesting },
  { id: 'subnets', subject: 'subnets', look: lookAtSubnets },
  { id: 'twins', subject: 'own wires', look: lookAtTwins },
  { id: 'memory', subject: 'memory', look: lookAtMemory },
  { id: 'disk', subject: 'disk space', look: lookAtDisk },
  { id: 'guests', subject: 'guests', look: lookAtGuests },
  { id: 'state', subject: 'state folder', look: lookAtState },
  { id: 'labs', subject: 'labs', look: lookAtLabs },
  { id: 'lab', subject: 'lab', look: lookAtLab },
];

/** Probes that look at the same time. */
const AT_ONCE = 6;

/** Milliseconds for one probe: proving KVM takes ten seconds, a libvirt that is slow fifteen. */
const PATIENCE = 40_000;

/** Look at the host, and at what a lab would need of it; changes nothing, and never throws for what it finds. */
export async function examine(
  drivers: Drivers,
  lab: Lab | null,
  prepare: (lab: Lab, host: HostState) => Promise<RenderContext>,
): Promise<Finding[]> {
  followLab(lab?.name, await readRecords(drivers).catch(() => []), drivers);
  return examineWith(PROBES, makeGround(drivers, lab, prepare));
}

export async function examineWith(probes: readonly Probe[], ground: Ground): Promise<Finding[]> {
  const findings: Finding[][] = probes.map(() => []);
  const waiting = [...probes.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      findings[next[0]] = await bounded(next[1], ground);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return findings.flat();
}

/** Whatever becomes of one probe, the others go on. */
async function bounded(probe: Probe, ground: Ground): Promise<Finding[]> {
  const it = about(probe.id, probe.subject, 'This could not be found out, which says nothing of the host.');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding[]>(resolve => {
    timer = setTimeout(() => resolve([it.unseen(`no answer in ${PATIENCE / 1000} s`, null)]), PATIENCE);
  });
  try {
    return await Promise.race([probe.look(ground), late]);
  } catch (error) {
    if (error instanceof VmnetError)
      return [it.unseen(error.message, ground.root ? error.hint : 'sudo vmnet doctor')];
    return [it.unseen(`a bug of vmnet: ${(error as Error).stack}`, 'please report it with these lines')];
  } finally {
    clearTimeout(timer);
  }
}
