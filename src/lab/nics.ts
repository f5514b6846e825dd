import type { Lab, NamespaceNic, Nic } from './model.js';

/** Every NIC on a bridge, of VMs and of namespaces. */
export const nicsOf = (lab: Lab): Nic[] => [
  ...lab.vms.flatMap(vm => vm.nics),
  ...lab.namespaces.flatMap(namespace => namespace.nics),
];

export const isInner = (nic: Nic): nic is NamespaceNic => 'name' in nic;

/** Where the lab file has it: `vms.web.nics[0]`. */
export const nicPath = (nic: Nic) => `${isInner(nic) ? 'namespaces' : 'vms'}.${nic.vm}.nics[${nic.index}]`;
