import type { Lab, Macvtap, NamespaceNic, Nic } from './model.js';

/** Every NIC, of VMs and of namespaces. */
export const nicsOf = (lab: Lab): Nic[] => [
  ...lab.vms.flatMap(vm => vm.nics),
  ...lab.namespaces.flatMap(namespace => namespace.nics),
];

export const isInner = (nic: Nic): nic is NamespaceNic => 'name' in nic;

/** Where the lab file has it: `vms.web.nics[0]`. */
export const nicPath = (nic: Nic) => `${isInner(nic) ? 'namespaces' : 'vms'}.${nic.vm}.nics[${nic.index}]`;

/** A NIC that is a macvtap, with what it hangs on. */
export type MacvtapNic = Nic & { readonly macvtap: Macvtap };

export const macvtapNics = (nics: readonly Nic[]): MacvtapNic[] =>
  nics.filter((nic): nic is MacvtapNic => nic.macvtap !== undefined);
