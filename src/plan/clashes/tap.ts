import type { DomainState, HostState } from '../../host/model.js';
import type { Lab, Nic } from '../../lab/model.js';
import { existingUuids } from '../existing.js';
import { aliveNames } from '../guest.js';
import type { PlanProblem } from '../problems.js';

/** A tap belongs to one guest: the kernel refuses it to a second one. Guests that run have theirs. */
export function findTapClashes(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  if (host.libvirt === null) return;
  const { domains } = host.libvirt;
  // Those are looked at as they get their NICs.
  const existing = existingUuids(lab, host);
  const foreign = new Map(
    domains
      .filter(({ mark, uuid }) => mark?.lab !== lab.name && !existing.has(uuid))
      .flatMap(domain => domain.nics.flatMap(({ target }) => (target ? [[target, domain] as const] : []))),
  );
  const marked = new Map(host.links.flatMap(link => link.altnames.map(altname => [altname, link] as const)));
  const names = new Set(host.links.map(({ name }) => name));
  const running = aliveNames(host);
  for (const vm of lab.vms.filter(({ domain }) => !running.has(domain))) {
    for (const nic of vm.nics) {
      const tap = marked.get(nic.altname);
      // Where a link that is not ours has the name, that is said already.
      if (!tap && names.has(nic.tap)) continue;
      const name = tap?.name ?? nic.tap;
      const other = foreign.get(name);
      if (other) problems.push(wantedTwice(nic, name, other));
      else if (tap?.carrier) problems.push(busy(nic, name));
    }
  }
}

const wantedTwice = (nic: Nic, tap: string, { name, state }: DomainState): PlanProblem => ({
  code: 'conflict',
  message: `the tap ${tap} of ${nic.vm} is also named by the domain ${name}, which is ${state}`,
  fix: `Give the NIC another "tap" in the lab file, or change that domain: virsh edit ${name}`,
});

const busy = (nic: Nic, tap: string): PlanProblem => ({
  code: 'conflict',
  message: `the tap ${tap} of ${nic.vm} is busy: a process has it open, and the guest does not run`,
  fix: `End that process; this finds it: grep -ls 'iff:.*${tap}' /proc/[0-9]*/fdinfo/*`,
});
