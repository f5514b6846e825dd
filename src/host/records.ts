import type { Drivers } from '../drivers/drivers.js';
import type { Lab } from '../lab/model.js';
import { UNRULED } from '../lab/unruled.js';
import type { LabRecord } from './model.js';

/** What earlier runs wrote down, by name of the lab; the driver has checked their shape. */
export const readRecords = async (drivers: Drivers): Promise<readonly LabRecord[]> =>
  ((await drivers.records.all()) as readonly LabRecord[]).map(completed);

/** A record of an earlier vmnet lacks the keys that labs have got since. */
const completed = (record: LabRecord): LabRecord => ({
  ...record,
  forwarding: record.forwarding ?? null,
  lab: {
    ...record.lab,
    namespaces: record.lab.namespaces ?? [],
    links: record.lab.links ?? [],
    tuns: record.lab.tuns ?? [],
    bridges: record.lab.bridges.map(bridge => ({
      ...bridge,
      type: bridge.type ?? 'linux',
      peers: bridge.peers ?? [],
      mode: bridge.mode ?? 'bridged',
      docker: bridge.docker ?? 'keep',
      dhcp: bridge.dhcp ?? null,
      vlanFiltering: bridge.vlanFiltering ?? false,
      uplinkVlan: bridge.uplinkVlan ?? null,
    })),
    vms: record.lab.vms.map(vm => ({
      ...vm,
      boot: vm.boot.kind === 'probe' ? { ...vm.boot, forward: vm.boot.forward ?? false } : vm.boot,
      firmware: vm.firmware ?? 'bios',
      disks: vm.disks ?? [],
      keepDisk: vm.keepDisk ?? false,
      cloudInit: vm.cloudInit ?? null,
      nics: vm.nics.map(nic => ({
        ...UNRULED,
        ...nic,
        gateways: nic.gateways ?? [],
        vlan: nic.vlan ?? null,
      })),
    })),
  },
});

/** That of one lab. */
export async function findRecord(name: string, drivers: Drivers): Promise<LabRecord | undefined> {
  return (await readRecords(drivers)).find(record => record.name === name);
}

/** A lab, and the same as it was last applied: what either has is looked at. */
export const asAppliedAndWanted = (lab: Lab | null, records: readonly LabRecord[]): Lab[] =>
  [lab, records.find(({ name }) => name === lab?.name)?.lab].filter(one => one != null);
