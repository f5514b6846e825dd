import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Guard } from '../apply/apply.js';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { self } from '../process.js';

/** Seconds in which a moved uplink has to prove itself, unless `--rollback-after` says otherwise. */
const DEFAULT_SECONDS = 30;

/** Seconds of `--rollback-after`; 0 goes without a guard. */
export function rollbackAfter(flag: string | undefined): number {
  const seconds = flag === undefined ? DEFAULT_SECONDS : Number(flag);
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= 3600) return seconds;
  throw new VmnetError(
    'usage',
    `--rollback-after takes whole seconds, from 0 to 3600, not ${JSON.stringify(flag)}`,
  );
}

/**
 * Start a process that outlives us and our terminal: a transient unit where systemd may be asked, so that the end
 * of a login session does not end it, else a session of its own.
 */
export async function startGuard(lab: string, seconds: number, drivers: Drivers): Promise<Guard> {
  const { pid, startedAt } = await self();
  const cli = fileURLToPath(new URL('../cli.js', import.meta.url));
  const command = [process.execPath, cli, '--quiet', '--connect', drivers.libvirtUri, 'guard', lab];
  const words = [...command, '--watch', `${pid}:${startedAt}`, '--deadline', String(seconds * 1000)];
  const env = { ...process.env, VMNET_STATE_DIR: drivers.stateDir, VMNET_CACHE_DIR: drivers.cacheDir };
  if (await drivers.kernel.hasSystemd()) {
    const settings = ['VMNET_STATE_DIR', 'VMNET_CACHE_DIR'].map(
      name => `--setenv=${name}=${env[name as keyof typeof env]}`,
    );
    await drivers.run('systemd-run', [
      '--quiet',
      '--collect',
      `--unit=vmnet-guard-${lab}`,
      ...settings,
      '--',
      ...words,
    ]);
    return { ended: async () => {} };
  }
  const [file = '', ...args] = words;
  const child = spawn(file, args, { detached: true, stdio: 'ignore', env, cwd: '/' });
  const ended = new Promise<void>(resolve => {
    child.once('close', () => resolve());
    child.once('error', () => resolve()); // it will be missed before the uplink is touched
  });
  child.unref();
  return {
    ended() {
      child.ref();
      return ended;
    },
  };
}
