import type { HostState } from '../../host/model.js';
import { ownPart } from '../../lab/existing.js';
import type { Lab, Vm } from '../../lab/model.js';
import { shortList } from '../../lab/short-list.js';
import { aliveNames } from '../guest.js';
import type { PlanProblem } from '../problems.js';

/** Of those guests of a lab that do not run yet: those that do have taken theirs. */
export function findMemoryClashes(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  const running = aliveNames(host);
  const starting = ownPart(lab).vms.filter(({ domain }) => !running.has(domain));
  problems.push(...memoryProblems(lab.name, starting, host));
}

/** Rather no guest than half of them killed by a kernel that has run out of memory; what QEMU itself takes is not counted. */
export function memoryProblems(
  lab: string,
  starting: readonly Vm[],
  { memory }: Pick<HostState, 'memory'>,
): PlanProblem[] {
  if (!memory) return [];
  const { available, swap } = memory;
  const needed = starting.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  if (needed <= available + swap) return [];
  const left = `${available} MiB left${swap > 0 ? `, and ${swap} MiB of swap` : ''}`;
  return [
    {
      code: 'conflict',
      message: `${who(lab, starting)} to be started would have ${needed} MiB of memory${shares(starting)}; this host has ${left}`,
      fix: 'Give the VMs less "memory", end what is not needed, or repeat the command with --yes if they will never use all of it.',
    },
  ];
}

const who = (lab: string, vms: readonly Vm[]) =>
  vms.length === 1 ? `the guest ${vms[0]?.name} of ${lab}` : `the ${vms.length} guests of ${lab}`;

/** What each of several asks for, those first that give back most. */
function shares(vms: readonly Vm[]): string {
  if (vms.length === 1) return '';
  const largest = vms.toSorted((a, b) => b.memoryMiB - a.memoryMiB);
  return ` (${shortList(largest.map(({ name, memoryMiB }) => `${name} ${memoryMiB}`))})`;
}
