import type { Drivers } from '../drivers/drivers.js';
import type { LabRecord } from './model.js';

/** What earlier runs wrote down, by name of the lab; the driver has checked their shape. */
export const readRecords = async (drivers: Drivers) => (await drivers.records.all()) as readonly LabRecord[];

/** That of one lab. */
export async function findRecord(name: string, drivers: Drivers): Promise<LabRecord | undefined> {
  return (await readRecords(drivers)).find(record => record.name === name);
}
