import type { Drivers } from '../drivers/drivers.js';

/** Remove all that is kept of a lab. */
export async function forget(lab: string, drivers: Drivers): Promise<void> {
  for (const kind of ['consoles', 'disks']) await drivers.files.remove(`${drivers.stateDir}/${kind}/${lab}`);
  await drivers.records.remove(lab);
  // Folders that other labs use are not empty, and stay.
  const folders = ['consoles', 'disks', 'labs', 'batches'].map(kind => `${drivers.stateDir}/${kind}`);
  for (const folder of [...folders, drivers.stateDir]) await drivers.files.removeIfEmpty(folder);
}
