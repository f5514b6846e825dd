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
    disable: unit =>
      change(unit, async () => {
        await run('systemctl', ['--quiet', 'disable', unit]);
        await rm(fileOf(unit), { force: true });
        await run('systemctl', ['daemon-reload']);
      }),
  };
}
