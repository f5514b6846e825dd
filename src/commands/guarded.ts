import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Guard } from '../apply/apply.js';
import type { Drivers } from '../drivers/drivers.js';
import { CLI } from '../place.js';
import { self } from '../process.js';
import { wholeSeconds } from './seconds.js';

/** Seconds in which a moved uplink has to prove itself, unless `--rollback-after` says otherwise. */
const DEFAULT_SECONDS = 30;

/** Less would cut off an ordinary move: after it, a gateway has six seconds to be found again. */
const LEAST_SECONDS = 10;

/** Seconds of `--rollback-after`; 0 goes without a guard. */
export const rollbackAfter = (flag: string | undefined): number =>
  flag === undefined ? DEFAULT_SECONDS : wholeSeconds('--rollback-after', flag, LEAST_SECONDS, 3600, true);

/**
 * Start a process that outlives us and our terminal: a transient unit where systemd may be asked, so that the end
 * of a login session does not end it, else a session of its own.
 */
export async function startGuard(lab: string, seconds: number, drivers: Drivers): Promise<Guard> {
  const { pid, startedAt } = await self();
  const cli = fileURLToPath(CLI);
  const command = [process.execPath, cli, '--quiet', '--connect', drivers.connection.uri, 'guard', lab];
  const words = [...command, '--watch', `${pid}:${startedAt}`, '--deadline', String(seconds * 1000)];
  const folders = { VMNET_STATE_DIR: drivers.stateDir, VMNET_CACHE_DIR: drivers.cacheDir };
  if (await drivers.kernel.hasSystemd()) {
    await drivers.run('systemd-run', guardUnit(`vmnet-guard-${lab}-${pid}`, folders, words));
    return { ended: async () => {} };
  }
  const env = { ...process.env, ...folders };
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

/**
 * Arguments of systemd-run(1) for a guard. The unit bears the run's pid, so that the guard of a run that was killed,
 * which may still be at work, is not in the way of the next. `exec` fails here and now where the program cannot be
 * started. On shutdown only the guard itself is told, never a batch that it runs (`mixed`); it ends with the run, which
 * is told as well and goes back. What is last to be killed where memory runs out is what puts the NIC back.
 */
export const guardUnit = (
  unit: string,
  env: Readonly<Record<string, string>>,
  words: readonly string[],
): string[] => [
  '--quiet',
  '--collect',
  `--unit=${unit}`,
  '--service-type=exec',
  '--property=KillMode=mixed',
  '--property=OOMScoreAdjust=-900',
  ...Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`),
  '--',
  // systemd puts variables in the place of `$NAME` in arguments, as in a unit file.
  ...words.map((word, i) => (i === 0 ? word : word.replaceAll('$', '$$$$'))),
];
