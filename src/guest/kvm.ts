import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Drivers } from '../drivers/drivers.js';
import type { ProbeGuest } from './build.js';

/** What is known of KVM on this host. `present`: the device is there, but nothing was tried. */
export interface KvmState {
  readonly state: 'absent' | 'works' | 'broken';
  /** Why, for people. */
  readonly why: string;
}

/** And whether it was tried just now, or earlier in this boot. */
export type KvmProof = KvmState & { readonly cached: boolean };

/** Milliseconds in which the probe guest boots and powers off under working KVM; it takes about one second. */
const BOOTS_WITHIN = 10_000;

/** Prove KVM by booting the probe guest with it, once per boot, kernel and QEMU; later calls read the result. */
export async function proveKvm(
  drivers: Drivers,
  probe: () => Promise<ProbeGuest>,
  arch: string,
): Promise<KvmProof> {
  if (!(await drivers.kernel.exists('/dev/kvm')))
    return { state: 'absent', why: 'there is no /dev/kvm', cached: false };
  const qemu = `qemu-system-${arch}`;
  const key = [await drivers.kernel.bootId(), await drivers.kernel.release(), await identity(qemu)].join(' ');
  const file = join(drivers.cacheDir, 'kvm.json');
  const known = await readKnown(file);
  if (known?.key === key) return { state: known.state, why: known.why, cached: true };
  const found = await tryKvm(drivers, await probe(), qemu);
  await mkdir(drivers.cacheDir, { recursive: true }).catch(() => {});
  await writeFile(file, JSON.stringify({ key, ...found })).catch(() => {}); // only costs time next time
  return { ...found, cached: false };
}

async function tryKvm(drivers: Drivers, probe: ProbeGuest, qemu: string): Promise<KvmState> {
  const args = [
    ['-accel', 'kvm', '-cpu', 'host', '-m', '128', '-nodefaults', '-no-reboot', '-display', 'none'],
    ['-serial', 'stdio', '-kernel', probe.kernel, '-initrd', probe.initrd],
    ['-append', 'console=ttyS0 quiet panic=-1 vmnet.once'],
  ].flat();
  try {
    const { stdout, stderr } = await drivers.run(qemu, args, { allowFailure: true, timeoutMs: BOOTS_WITHIN });
    if (stdout.includes('vmnet-probe: up')) return { state: 'works', why: 'the probe guest booted with it' };
    const last = (stderr.trim().split('\n').at(-1) ?? '').slice(0, 200);
    return { state: 'broken', why: `the probe guest did not boot with it${last ? `: ${last}` : ''}` };
  } catch (error) {
    if ((error as { code?: string }).code !== 'timeout') throw error;
    return { state: 'broken', why: `the probe guest did not boot with it in ${BOOTS_WITHIN / 1000} seconds` };
  }
}

/** Size and time of the program stand for its version: asking it would start it. */
async function identity(program: string): Promise<string> {
  for (const folder of ['/usr/bin', '/usr/local/bin', '/usr/libexec']) {
    const found = await stat(join(folder, program)).catch(() => null);
    if (found) return `${program} ${found.size} ${found.mtimeMs}`;
  }
  return program;
}

async function readKnown(file: string): Promise<({ key: string } & KvmState) | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return null;
  }
}
