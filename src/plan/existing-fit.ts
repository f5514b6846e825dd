import type { DomainState, ExistingDomain, HostState } from '../host/model.js';
import type { Lab, Vm } from '../lab/model.js';
import { nicPath } from '../lab/nics.js';
import { printable, quote } from '../lab/quote.js';
import { didYouMean } from '../lab/suggest.js';
import { type Card, cardsOf } from './cards.js';
import { isAlive } from './guest.js';
import type { PlanProblem } from './problems.js';

// Whether a domain that vmnet did not make can get NICs, and what the user should know of it.

/** The domain that goes by that name, as the lab or its record says it. */
export const existingOf = (name: string, host: HostState): ExistingDomain | undefined =>
  host.libvirt?.existing?.find(({ asked }) => asked === name);

export function missing(vm: Vm, host: HostState): PlanProblem {
  const names = (host.libvirt?.domains ?? []).filter(({ mark }) => mark === null).map(({ name }) => name);
  const otherwise = 'virsh list --all shows those that are there:';
  return {
    code: 'bad-lab',
    message: `vms.${vm.name}.domain: libvirt has no domain ${quote(vm.domain)}`,
    fix: didYouMean(
      vm.domain,
      names,
      names.length > 0 ? otherwise : 'Define it, or give the VM a "boot" and let vmnet make it.',
    ),
  };
}

export function unfit(
  vm: Vm,
  { name, uuid, xml, liveXml }: ExistingDomain,
  lab: Lab,
  host: HostState,
  isOurs: (card: Card) => boolean,
): PlanProblem | null {
  const conflict = (at: string, message: string, fix: string): PlanProblem => ({
    code: 'conflict',
    message: `${at}: ${message}`,
    fix,
  });
  const { mark } = host.libvirt?.domains.find(it => it.uuid === uuid) ?? {};
  const at = `vms.${vm.name}.domain`;
  if (mark)
    return conflict(
      at,
      `the domain ${name} was made by vmnet, for ${mark.vm} of the lab ${mark.lab}`,
      'Give it the NICs in that lab, or name a domain that vmnet did not make.',
    );
  const other = host.records.find(
    record => record.name !== lab.name && Object.hasOwn(record.existing ?? {}, uuid),
  );
  if (other)
    return conflict(
      at,
      `the domain ${printable(name)} has NICs of the lab ${other.name}`,
      `A domain is in one lab at a time: add the NICs to that one, or vmnet destroy ${other.name}`,
    );
  const theirs = [xml, liveXml].flatMap(it => cardsOf(it ?? '')).filter(card => !isOurs(card));
  for (const nic of vm.nics) {
    if (theirs.some(({ mac }) => mac === nic.mac))
      return conflict(
        `${nicPath(nic)}.mac`,
        `${nic.mac} is that of a NIC which the domain ${printable(name)} has already, and which is not of this lab`,
        'Leave "mac" out to have another derived, or write another.',
      );
    if (theirs.some(({ target }) => target === nic.tap))
      return conflict(
        `${nicPath(nic)}.tap`,
        `${nic.tap} is that of a NIC which the domain ${printable(name)} has already, and which is not of this lab`,
        'Give the NIC another "tap".',
      );
  }
  return null;
}

export function notesOn(vm: Vm, { name, xml }: ExistingDomain, host: HostState): string[] {
  const shown = printable(name);
  const state = stateOf(vm, host);
  return [
    ...(name === vm.domain
      ? []
      : [`the domain ${vm.domain} is called ${shown} now: write that into the lab file`]),
    ...(xml === null
      ? [
          `the domain ${shown} is transient: its NICs are gone when it ends, and vmnet provision gives them again`,
        ]
      : []),
    ...(state && !isAlive(state)
      ? [
          `the domain ${shown} is ${state.state}, and not for vmnet to start: its NICs are in its definition; virsh start ${shown}, then vmnet verify`,
        ]
      : []),
  ];
}

const stateOf = ({ domain }: Vm, host: HostState): DomainState | undefined => {
  const uuid = existingOf(domain, host)?.uuid;
  return host.libvirt?.domains.find(it => it.uuid === uuid);
};
