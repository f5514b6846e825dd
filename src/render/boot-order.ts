import type { Vm } from '../lab/model.js';

/**
 * Places of a VM's disks in the order of booting: where NICs have places of their own, the disk that is booted takes
 * the first that none of them has. null where nothing has one, and libvirt boots the first disk.
 */
export function diskBootOrder(vm: Vm): number | null {
  const taken = new Set(vm.nics.flatMap(nic => (nic.boot === undefined ? [] : [nic.boot])));
  if (taken.size === 0 || vm.boot.kind !== 'image') return null;
  let place = 1;
  while (taken.has(place)) place += 1;
  return place;
}
