import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('debian.sh', import.meta.url));

/** A Debian disk without boot loader, and the kernel that it is booted with. */
export interface DebianImage {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Made once for each content, outside the repository: minutes then, nothing later. */
export async function debianImage(): Promise<DebianImage> {
  const cache = join(process.env.VMNET_CACHE_DIR || '/var/cache/vmnet', 'images');
  const key = (await run('sh', [SCRIPT, '--key'])).stdout.trim();
  const folder = join(cache, `debian-${key}`);
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await mkdir(cache, { recursive: true });
    // Of other content, some 400 MB each; one that is being made has a longer name.
    for (const old of await readdir(cache))
      if (/^debian-[0-9a-f]{16}$/.test(old)) await rm(join(cache, old), { recursive: true, force: true });
    await run('sh', [SCRIPT, folder], { timeout: 900_000, maxBuffer: 64 * 1024 * 1024 });
  }
  return { disk: `${folder}/disk.qcow2`, kernel: `${folder}/vmlinuz`, initrd: `${folder}/initrd.img` };
}
