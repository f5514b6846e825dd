import { chmod, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VmnetError } from '../errors.js';
import type { Run } from './run.js';
import { syncFolder, writeSynced } from './synced.js';

/** The administrator's own units. To be asked only where systemd is in charge, see Kernel.hasSystemd. */
export interface Systemd {
  /** A unit file's text, or null where there is none. */
  read(unit: string): Promise<string | null>;
  /** Write a unit and have it started with each boot. Starts nothing now. */
  enable(unit: string, text: string): Promise<void>;
  /** Undo that; stops nothing now. */
  disable(unit: string): Promise<void>;
  /**
   * Run a daemon, which goes to the background by itself, as a unit that lasts until it is stopped or the next boot; it
   * is started again when it dies. Returns what it complains of, or null once it is ready.
   */
  startTransient(unit: string, argv: readonly string[], pidFile: string): Promise<string | null>;
  /** Stop a unit; none of that name is no error. */
  stop(unit: string): Promise<void>;
}

export function makeSystemd(run: Run, folder = '/etc/systemd/system'): Systemd {
  const fileOf = (unit: string) => join(folder, unit);
  const change = (unit: string, act: () => Promise<void>) =>
    act().catch((error: NodeJS.ErrnoException) => {
      if (error instanceof VmnetError) throw error;
      throw new VmnetError('permission', `${fileOf(unit)} cannot be changed: ${error.message}`, null, error);
    });
  return {
    read: unit => readFile(fileOf(unit), 'utf8').catch(() => null),
    enable: (unit, text) =>
      change(unit, async () => {
        await writeSynced(fileOf(unit), text, 'w');
        await chmod(fileOf(unit), 0o644); // systemd complains of units that only root may read
        await syncFolder(folder);
        await run('systemctl', ['daemon-reload']);
        await run('systemctl', ['--quiet', 'enable', unit]);
      }),
    async startTransient(unit, argv, pidFile) {
      const complaints = `${pidFile}.err`;
      await rm(complaints, { force: true });
      // One that failed keeps its name.
      await run('systemctl', ['reset-failed', unit], { allowFailure: true });
      const { exitCode, stderr } = await run('systemd-run', transientArgs(unit, argv, pidFile, complaints), {
        allowFailure: true,
      });
      const said = await readFile(complaints, 'utf8').catch(() => '');
      await rm(complaints, { force: true });
      return exitCode === 0 ? null : said.trim() || stderr.trim();
    },
    async stop(unit) {
      await run('systemctl', ['stop', unit], { allowFailure: true });
      await run('systemctl', ['reset-failed', unit], { allowFailure: true });
    },
    disable: unit =>
      change(unit, async () => {
        await run('systemctl', ['--quiet', 'disable', unit]);
        await rm(fileOf(unit), { force: true });
        await run('systemctl', ['daemon-reload']);
      }),
  };
}

/** Of systemd-run(1): type `forking`, so that it waits until the daemon is ready; see systemd.service(5). */
export const transientArgs = (
  unit: string,
  argv: readonly string[],
  pidFile: string,
  complaints: string,
): string[] => [
  '--quiet',
  '--collect',
  `--unit=${unit}`,
  '--property=Type=forking',
  `--property=PIDFile=${pidFile}`,
  '--property=Restart=on-failure',
  `--property=StandardError=append:${complaints}`,
  '--',
  ...argv,
];
