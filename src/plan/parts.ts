import type { Bridge, Lab } from '../lab/model.js';

// Linux bridges and those of Open vSwitch are made by different hands: each sees its part of the lab.

/** The lab without the bridges of Open vSwitch, and without the NICs on them. */
export const linuxPart = (lab: Lab): Lab => part(lab, ({ type }) => type === 'linux');

/** The lab with those alone. */
export const ovsPart = (lab: Lab): Lab => part(lab, ({ type }) => type === 'ovs');

function part(lab: Lab, has: (bridge: Bridge) => boolean): Lab {
  const bridges = lab.bridges.filter(has);
  if (bridges.length === lab.bridges.length) return lab;
  const names = new Set(bridges.map(({ name }) => name));
  return {
    ...lab,
    bridges,
    vms: lab.vms.map(vm => ({ ...vm, nics: vm.nics.filter(nic => names.has(nic.bridge ?? '')) })),
    namespaces: lab.namespaces.map(it => ({ ...it, nics: it.nics.filter(nic => names.has(nic.bridge)) })),
  };
}
