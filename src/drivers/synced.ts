import { open } from 'node:fs/promises';

/** Write a file of our own, for its owner only, and return when it is on the disk. */
export async function writeSynced(file: string, text: string, flags: string | number): Promise<void> {
  const handle = await open(file, flags, 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file that was made or renamed outlives a power cut only once its folder is on the disk, too. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}
