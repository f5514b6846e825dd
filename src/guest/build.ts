import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { TEMPLATES } from '../place.js';
import { findKernel, type GuestKernel, modulesToLoad } from './kernel.js';

/** The built-in guest: what QEMU boots. Absolute paths, readable by QEMU's user. */
export interface ProbeGuest {
  readonly kernel: string;
  readonly initrd: string;
}

const INIT = new URL('guest/init', TEMPLATES);

interface Parts {
  readonly kernel: GuestKernel;
  readonly modules: readonly string[];
  readonly busybox: string;
  readonly folder: string;
}

/** Where the guest is or will be; its folder's name follows from the content of its parts. */
export async function locateProbe(drivers: Drivers): Promise<ProbeGuest> {
  return files((await findParts(drivers)).folder);
}

/** Build the guest unless the cache has it: under a second. Needs `cpio` and a static `busybox`. */
export async function buildProbe(drivers: Drivers): Promise<ProbeGuest> {
  const parts = await findParts(drivers);
  const guest = files(parts.folder);
  if (!(await drivers.kernel.exists(guest.initrd))) await build(drivers, parts);
  return guest;
}

const files = (folder: string): ProbeGuest => ({
  kernel: join(folder, 'vmlinuz'),
  initrd: join(folder, 'initrd'),
});

async function findParts(drivers: Drivers): Promise<Parts> {
  const kernel = await findKernel(drivers.cacheDir, await drivers.kernel.release());
  const modules = await modulesToLoad(kernel);
  const busybox = await findBusybox(drivers);
  const key = createHash('sha256').update(await readFile(INIT));
  for (const file of [kernel.image, busybox, ...modules.map(module => join(kernel.modules, module))]) {
    const { size, mtimeMs } = await stat(file);
    key.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return {
    kernel,
    modules,
    busybox,
    folder: join(drivers.cacheDir, 'guest', key.digest('hex').slice(0, 16)),
  };
}

async function findBusybox(drivers: Drivers): Promise<string> {
  for (const path of ['/bin/busybox', '/usr/bin/busybox', '/usr/local/bin/busybox'])
    if (await drivers.kernel.exists(path)) return path;
  throw new VmnetError(
    'missing-tool',
    'busybox is not installed; the probe guest is made of it',
    'apt-get install busybox-static',
  );
}

/** Put the parts together beside the final folder and rename: two builders cannot meet half-way. */
async function build(drivers: Drivers, parts: Parts): Promise<void> {
  await mkdir(join(parts.folder, '..'), { recursive: true, mode: 0o755 }).catch(cacheError(drivers.cacheDir));
  const work = await mkdtemp(`${parts.folder}.`).catch(cacheError(drivers.cacheDir));
  try {
    const tree = join(work, 'tree');
    const names = await layOut(drivers, parts, tree);
    await drivers.run(
      'cpio',
      ['-o', '--quiet', '-H', 'newc', '-R', '0:0', '-D', tree, '-F', join(work, 'cpio')],
      {
        input: `${names.join('\n')}\n`,
      },
    );
    await writeFile(
      join(work, 'initrd'),
      await promisify(gzip)(await readFile(join(work, 'cpio')), { level: 1 }),
    );
    await copyFile(parts.kernel.image, join(work, 'vmlinuz'));
    await drivers.run('chmod', ['-R', 'a+rX', work]);
    await rm(tree, { recursive: true });
    await rm(join(work, 'cpio'));
    await rename(work, parts.folder).catch(async error => {
      if (!(await drivers.kernel.exists(files(parts.folder).initrd))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Lay out the initramfs; returns its names, parents first. */
async function layOut(drivers: Drivers, parts: Parts, tree: string): Promise<string[]> {
  const folders = ['bin', 'modules', 'proc', 'sys', 'dev'];
  for (const folder of folders) await mkdir(join(tree, folder), { recursive: true });
  await copyFile(parts.busybox, join(tree, 'bin/busybox'));
  await writeFile(join(tree, 'init'), await readFile(INIT), { mode: 0o755 });
  const modules: string[] = [];
  for (const [i, module] of parts.modules.entries()) {
    const name = `modules/${String(i).padStart(2, '0')}-${basename(module).replace(/\.ko.*/, '.ko')}`;
    await copyModule(drivers, join(parts.kernel.modules, module), join(tree, name));
    modules.push(name);
  }
  return [...folders, 'bin/busybox', 'init', ...modules];
}

/** Programs that unpack a module in place, by the ending that distributions give it. */
const UNPACK: Readonly<Record<string, readonly [string, ...string[]]>> = {
  '.gz': ['gzip', '-d'],
  '.xz': ['xz', '-d'],
  '.zst': ['zstd', '-dq', '--rm'],
};

/** Copy a module as `target`, unpacked. */
async function copyModule(drivers: Drivers, module: string, target: string): Promise<void> {
  const ending = extname(module);
  const unpack = UNPACK[ending];
  await copyFile(module, unpack ? target + ending : target);
  if (unpack) await drivers.run(unpack[0], [...unpack.slice(1), target + ending]);
}

const cacheError = (cacheDir: string) => (error: Error) => {
  throw new VmnetError(
    'state',
    `the probe guest cannot be kept in ${cacheDir}: ${error.message}`,
    'Run as root, or point VMNET_CACHE_DIR at a folder that QEMU may read.',
    error,
  );
};
