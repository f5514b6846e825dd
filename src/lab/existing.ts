import type { Lab, Vm } from './model.js';

/** Is its domain one that vmnet did not make, and only gives NICs to? */
export const isExisting = ({ boot }: Pick<Vm, 'boot'>): boolean => boot.kind === 'existing';

export const existingVms = (lab: Pick<Lab, 'vms'>): Vm[] => lab.vms.filter(isExisting);

/** The lab without them. */
export const ownPart = (lab: Lab): Lab =>
  lab.vms.some(isExisting) ? { ...lab, vms: lab.vms.filter(vm => !isExisting(vm)) } : lab;
