import { dirname } from 'node:path';
import type { Drivers } from '../drivers/drivers.js';
import { keepIn, keptDisks } from '../plan/disks.js';
import { removeNames } from './names.js';

/** Remove all that is kept of a lab; returns what people should know of that. */
export async function forget(lab: string, drivers: Drivers): Promise<string[]> {
  const notes = await removeNames(lab, drivers);
  await drivers.files.remove(`${drivers.stateDir}/services/${lab}`);
  await drivers.files.remove(`${drivers.guestDir}/consoles/${lab}`);
  await forgetDisks(`${drivers.guestDir}/disks/${lab}`, drivers);
  await drivers.records.remove(lab);
  await removeEmptyFolders(drivers);
  return notes;
}

/** All but disks that are to be kept, which a file beside them says. */
async function forgetDisks(folder: string, { files }: Drivers): Promise<void> {
  const all = await files.list(folder);
  const kept = keptDisks(all);
  if (kept.length === 0) return files.remove(folder);
  const stays = new Set(kept.flatMap(disk => [disk, dirname(disk), keepIn(dirname(disk))]));
  for (const path of all) if (!stays.has(path)) await files.remove(path);
}

/** Folders that other labs use are not empty, and stay. */
export async function removeEmptyFolders({ files, stateDir, guestDir }: Drivers): Promise<void> {
  for (const folder of [`${guestDir}/consoles`, `${guestDir}/disks`]) await files.removeIfEmpty(folder);
  if (guestDir !== stateDir)
    for (const folder of [guestDir, `${stateDir}/users`]) await files.removeIfEmpty(folder);
  for (const kind of ['services', 'labs', 'batches']) await files.removeIfEmpty(`${stateDir}/${kind}`);
  await files.removeIfEmpty(stateDir);
}
