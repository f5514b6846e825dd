import { parseMemory } from '../host/memory.js';
import { ownPart } from '../lab/existing.js';
import type { Lab } from '../lab/model.js';
import { aliveNames } from '../plan/guest.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

const MiB = 2 ** 20;

/**
 * What a guest takes beside its own memory, in MiB. An idle probe guest of 128 MiB takes 226 under emulation
 * (QEMU 7.2); what a busier one has translated takes more.
 */
const OVERHEAD = { kvm: 120, tcg: 230 } as const;

/** MiB that the state folder needs for records, journals and consoles. */
const LEAST_DISK = 100;

/** MiB that a disk of a VM soon grows to. */
const DISK_EACH = 1024;

export async function lookAtMemory(ground: Ground): Promise<Finding[]> {
  const { drivers, lab } = ground;
  const meminfo = (await drivers.files.read('/proc/meminfo')) ?? '';
  if (lab === null) return [judgeMemory(meminfo, null)];
  const [host, proof] = await Promise.all([ground.host(), ground.kvm().catch(() => null)]);
  const running = aliveNames(host);
  return [judgeMemory(meminfo, need(lab, running, proof?.state === 'works'))];
}

export interface Need {
  readonly guests: number;
  readonly MiB: number;
}

/** Of the VMs that do not run yet; those that do have taken theirs. */
export function need(lab: Lab, running: ReadonlySet<string>, kvmWorks: boolean): Need {
  const starting = ownPart(lab).vms.filter(vm => !running.has(vm.domain));
  const each = starting.map(({ accel, memoryMiB }) => {
    const kvm = accel === 'kvm' || (accel === 'auto' && kvmWorks);
    return memoryMiB + (kvm ? OVERHEAD.kvm : OVERHEAD.tcg);
  });
  return { guests: starting.length, MiB: each.reduce((sum, one) => sum + one, 0) };
}

export function judgeMemory(meminfo: string, needed: Need | null): Finding {
  const it = about('memory', 'memory', 'A host that runs out of memory kills guests.');
  const { available: free, swap } = parseMemory(meminfo) ?? { available: 0, swap: 0 };
  if (needed === null) return it.ok(`${free} MiB free`);
  if (needed.guests === 0) return it.ok(`${free} MiB free; no guest has to be started`);
  const asks = `${free} MiB free; ${needed.guests} ${needed.guests === 1 ? 'guest takes' : 'guests take'} about ${needed.MiB} MiB`;
  if (needed.MiB <= free) return it.ok(asks);
  const fix = 'give the VMs less "memory", or end what is not needed';
  return needed.MiB <= free + swap ? it.warning(`${asks}: the host would swap`, fix) : it.fault(asks, fix);
}

export async function lookAtDisk({ drivers, lab }: Ground): Promise<Finding[]> {
  const images = (lab?.vms ?? []).filter(vm => vm.disks.some(disk => !disk.readOnly)).length;
  return [judgeDisk(drivers.stateDir, (await drivers.inspect.freeBytes(drivers.stateDir)) / MiB, images)];
}

/** @param free MiB */
export function judgeDisk(folder: string, free: number, images: number): Finding {
  const it = about('disk', 'disk space', 'Records, journals, consoles and the disks of VMs are kept there.');
  const found = `${Math.floor(free)} MiB free for ${folder}`;
  const fix = 'make room, or point VMNET_STATE_DIR elsewhere';
  if (free < LEAST_DISK) return it.fault(found, fix);
  return free < images * DISK_EACH
    ? it.warning(`${found}; the disks of ${images} VMs grow as they are written to`, fix)
    : it.ok(found);
}
