import { existingVms, isExisting } from '../lab/existing.js';
import type { Lab, Vm } from '../lab/model.js';
import type { DomainState, HostState, LabRecord } from './model.js';
import { asAppliedAndWanted } from './records.js';

/**
 * Domains that are not ours and that a lab has to do with, now or as it was applied: their names, and the UUIDs of those
 * that it was given, each with the name that the lab knows it by.
 */
export function existingFor(lab: Lab | null, records: readonly LabRecord[]): Map<string, string> {
  const known = Object.entries(records.find(({ name }) => name === lab?.name)?.existing ?? {});
  const vms = asAppliedAndWanted(lab, records).flatMap(existingVms);
  return new Map([
    ...known.map(([uuid, { name }]) => [uuid, name] as const),
    ...vms.map(({ domain }) => [domain, domain] as const),
  ]);
}

/** The domain of a VM as libvirt has it. */
export function domainOf(vm: Pick<Vm, 'domain' | 'boot'>, { libvirt }: HostState): DomainState | undefined {
  const asked = libvirt?.existing?.find(it => isExisting(vm) && it.asked === vm.domain);
  return libvirt?.domains.find(({ name, uuid }) => (asked ? uuid === asked.uuid : name === vm.domain));
}
