import type { HostState } from '../../host/model.js';
import type { Lab } from '../../lab/model.js';
import { isAlive } from '../guest.js';
import type { PlanProblem } from '../problems.js';

/** Rather no guest than half of them killed by a kernel that has run out of memory; what QEMU itself takes is not counted. */
export function findMemoryClashes(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  if (!host.memory) return;
  const running = new Set((host.libvirt?.domains ?? []).filter(isAlive).map(({ name }) => name));
  const starting = lab.vms.filter(({ domain }) => !running.has(domain));
  const needed = starting.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const { available, swap } = host.memory;
  if (needed <= available + swap) return;
  problems.push({
    code: 'conflict',
    message: `${starting.length === 1 ? 'the guest' : `the ${starting.length} guests`} of ${lab.name} to be started would have ${needed} MiB of memory; this host has ${available} MiB left${swap > 0 ? `, and ${swap} MiB of swap` : ''}`,
    fix: 'Give the VMs less "memory", end what is not needed, or repeat the command with --yes if they will never use all of it.',
  });
}
