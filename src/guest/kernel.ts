import { access, constants, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VmnetError } from '../errors.js';

/** A kernel to boot the probe guest with, and the folder of its modules. */
export interface GuestKernel {
  readonly image: string;
  readonly modules: string;
  readonly version: string;
}

/**
 * The host's own kernel where its image and modules are readable, else the one that set-up unpacked below
 * `CACHE/kernel`. Throws `missing-tool`.
 */
export async function findKernel(cacheDir: string, running: string): Promise<GuestKernel> {
  const unpacked = join(cacheDir, 'kernel');
  const versions = await readdir(join(unpacked, 'lib/modules')).catch(() => [] as string[]);
  const candidates = [
    candidate('/', running),
    ...versions
      .sort()
      .reverse()
      .map(version => candidate(unpacked, version)),
  ];
  for (const kernel of candidates) if (await usable(kernel)) return kernel;
  throw new VmnetError(
    'missing-tool',
    `the probe guest has no kernel: neither ${candidates[0]?.image} with its modules nor one in ${unpacked}`,
    'Run scripts/setup.sh from the vmnet folder, which unpacks the distribution\'s cloud kernel there, or give the VM a kernel of its own in "boot".',
  );
}

const candidate = (root: string, version: string): GuestKernel => ({
  image: join(root, 'boot', `vmlinuz-${version}`),
  modules: join(root, 'lib/modules', version),
  version,
});

async function usable(kernel: GuestKernel): Promise<boolean> {
  const readable = (path: string) =>
    access(path, constants.R_OK).then(
      () => true,
      () => false,
    );
  return (await readable(kernel.image)) && (await readable(join(kernel.modules, 'modules.dep')));
}

/** Modules that a guest with a virtio NIC needs, those for the other models, and for the power button; taken where they exist. */
const WANTED = ['virtio_pci', 'virtio_net', 'e1000e', '8139cp', 'evdev', 'button'];

/** Files of the modules to load, below the kernel's module folder, each after those it depends on. */
export async function modulesToLoad(kernel: GuestKernel): Promise<readonly string[]> {
  return loadOrder(await readFile(join(kernel.modules, 'modules.dep'), 'utf8'), WANTED);
}

/** Resolve names against a `modules.dep`; a name that is not in it is built in, or not there at all. */
export function loadOrder(modulesDep: string, wanted: readonly string[]): readonly string[] {
  const lines = modulesDep.split('\n').map(line => line.split(/:\s*/));
  const dependencies = new Map(
    lines.map(([file = '', needs = '']) => [file, needs.split(' ').filter(Boolean)]),
  );
  const fileOf = new Map([...dependencies.keys()].map(file => [moduleName(file), file]));
  const order = new Set<string>();
  for (const name of wanted) {
    const file = fileOf.get(name);
    if (file === undefined) continue;
    // modules.dep lists a module's needs with the deepest last.
    for (const needed of [...(dependencies.get(file) ?? [])].reverse()) order.add(needed);
    order.add(file);
  }
  return [...order];
}

const moduleName = (file: string) =>
  file
    .slice(file.lastIndexOf('/') + 1)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
