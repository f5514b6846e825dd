import type { Path } from './problem.js';
import { type LooseNic, type LooseVm, textsAt } from './rules/walk.js';

/** What stands for the number of a copy in the texts of a VM with a `count`. */
export const INDEX = '{index}';

/** A longer text is neither a name nor an address: it stays as it is, for a rule to refuse. */
export const LONGEST = 128;

/** The text for one copy; the digits are put in as they are, also between the colons of IPv6. */
export const atIndex = (text: string, index: number) =>
  text.length > LONGEST ? text : text.replaceAll(INDEX, String(index));

/** One copy of a VM. */
export function copyOf(vm: LooseVm, index: number): LooseVm {
  const { cloudInit, dependsOn, domain, nics } = vm;
  const hostname = cloudInit?.hostname;
  return {
    ...vm,
    ...(hostname === undefined ? {} : { cloudInit: { ...cloudInit, hostname: atIndex(hostname, index) } }),
    ...(domain === undefined ? {} : { domain: atIndex(domain, index) }),
    ...(dependsOn === undefined ? {} : { dependsOn: dependsOn.map(name => name && atIndex(name, index)) }),
    ...(nics === undefined ? {} : { nics: nics.map(nic => nic && copyOfNic(nic, index)) }),
  };
}

function copyOfNic(nic: LooseNic, index: number): LooseNic {
  const { tap, address } = nic;
  const addresses =
    typeof address === 'string'
      ? atIndex(address, index)
      : address?.map(text => text && atIndex(text, index));
  return {
    ...nic,
    ...(tap === undefined ? {} : { tap: atIndex(tap, index) }),
    ...(address === undefined ? {} : { address: addresses }),
  };
}

/** A text of a VM that no two VMs can share, and where it stands. */
export interface OwnText {
  readonly what: 'name' | 'domain' | 'tap' | 'address' | 'mac';
  readonly text: string;
  readonly path: Path;
}

/** All of these, the name first. */
export function ownTexts(key: string, vm: LooseVm): OwnText[] {
  const nics = (vm.nics ?? []).flatMap((nic, index) => textsOfNic(nic ?? {}, ['vms', key, 'nics', index]));
  const domains: OwnText[] =
    vm.domain === undefined ? [] : [{ what: 'domain', text: vm.domain, path: ['vms', key, 'domain'] }];
  return [{ what: 'name', text: key, path: ['vms', key] }, ...domains, ...nics];
}

function textsOfNic({ tap, mac, address }: LooseNic, path: Path): OwnText[] {
  const one = (what: 'tap' | 'mac', text: string | undefined): OwnText[] =>
    text === undefined ? [] : [{ what, text, path: [...path, what] }];
  const addresses = textsAt(address, [...path, 'address']);
  return [
    ...one('mac', mac),
    ...one('tap', tap),
    ...addresses.map(({ text, path }): OwnText => ({ what: 'address', text, path })),
  ];
}

/** How much one copy adds to the lab: the VM, its NICs and their addresses. */
export const costOf = (vm: LooseVm) =>
  (vm.nics ?? []).reduce(
    (sum, nic) => sum + 1 + (Array.isArray(nic?.address) ? nic.address.length : nic?.address ? 1 : 0),
    1,
  );
