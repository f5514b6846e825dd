import type { Drivers } from '../drivers/drivers.js';

/** Remove all that is kept of a lab. */
export async function forget(lab: string, drivers: Drivers): Promise<void> {
  for (const kind of ['consoles', 'disks', 'services'])
    await drivers.files.remove(`${drivers.stateDir}/${kind}/${lab}`);
  await drivers.records.remove(lab);
  await removeEmptyFolders(drivers);
}

/** Folders that other labs use are not empty, and stay. */
export async function removeEmptyFolders({ files, stateDir }: Drivers): Promise<void> {
  for (const kind of ['consoles', 'disks', 'services', 'labs', 'batches'])
    await files.removeIfEmpty(`${stateDir}/${kind}`);
  await files.removeIfEmpty(stateDir);
}
