import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The suite checks that it leaves nothing behind: no process that it started, no mount, no named namespace, no
 * sandbox file, no temporary file. Everything it starts inherits a tag in its environment, so that other runs
 * on the same machine are not mistaken for it.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const tag = `VMNET_TEST_RUN=${process.pid}-${Date.now().toString(36)}`;
  const folder = `/tmp/vmnet-test-${process.pid}`;
  await mkdir(folder, { recursive: true });
  process.env.VMNET_TEST_RUN = tag.slice(tag.indexOf('=') + 1);
  process.env.TMPDIR = folder;
  const before = await seen(tag);
  return async () => {
    const after = await seen(tag);
    const left = [
      ...after.filter(entry => !before.includes(entry)),
      ...(await tagged(tag)),
      ...(await readdir(folder)).map(name => `file ${join(folder, name)}`),
    ];
    await rmdir(folder).catch(() => {});
    if (left.length === 0) return;
    process.exitCode = 1; // vitest only prints an error that is thrown here
    throw new Error(`the tests left something behind:\n${left.join('\n')}`);
  };
}

/** Mounts of vmnet's, named namespaces, and this suite's sandboxes. */
async function seen(tag: string): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .filter(line => /vmnet|libvirt/.test(line));
  const list = async (path: string) =>
    (await readdir(path).catch(() => [])).map(name => `file ${join(path, name)}`);
  const sandboxes = (await list('/run/vmnet/sandboxes')).filter(file =>
    file.includes(`/test-${tag.slice(tag.indexOf('=') + 1)}`),
  );
  const state = await list('/var/lib/vmnet');
  return [...mounts.map(line => `mount ${line}`), ...(await list('/run/netns')), ...sandboxes, ...state];
}

/** Processes whose environment bears the tag, apart from the test runner's own. */
async function tagged(tag: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(
    pids.map(async pid => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (!environment.split('\0').includes(tag)) return [];
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
      return /vitest|esbuild|node_modules/.test(command) || command === ''
        ? []
        : [`process ${pid} ${command}`];
    }),
  );
  return found.flat();
}
