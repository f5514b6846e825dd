import type { Drivers } from '../drivers/drivers.js';
import type { LabRecord } from './model.js';

/** What earlier runs wrote down, by name of the lab; the driver has checked their shape. */
export const readRecords = async (drivers: Drivers): Promise<readonly LabRecord[]> =>
  ((await drivers.records.all()) as readonly LabRecord[]).map(completed);

/** A record of an earlier vmnet lacks the keys that labs have got since. */
const completed = (record: LabRecord): LabRecord => ({
  ...record,
  lab: {
    ...record.lab,
    bridges: record.lab.bridges.map(bridge => ({
      ...bridge,
      peers: bridge.peers ?? [],
      type: bridge.type ?? 'linux',
      vlanFiltering: bridge.vlanFiltering ?? false,
      uplinkVlan: bridge.uplinkVlan ?? null,
    })),
    vms: record.lab.vms.map(vm => ({
      ...vm,
      nics: vm.nics.map(nic => ({ ...nic, vlan: nic.vlan ?? null })),
    })),
  },
});

/** That of one lab. */
export async function findRecord(name: string, drivers: Drivers): Promise<LabRecord | undefined> {
  return (await readRecords(drivers)).find(record => record.name === name);
}
