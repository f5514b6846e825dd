import { VmnetError } from '../errors.js';
import type { Run } from './run.js';

/** Rules in tables of iptables that are somebody else's. */
export interface Iptables {
  /**
   * Hand `iptables-restore --noflush` a script: it takes effect as a whole with its COMMIT, so one that is cut does
   * nothing. Waits for other programs that hold the table.
   */
  restore(program: string, script: string): Promise<void>;
}

/** @param locks descriptors that the program inherits: nobody else may start while it runs, even if we are killed */
export const makeIptables = (run: Run, locks: () => readonly number[]): Iptables => ({
  async restore(program, script) {
    const { exitCode, stderr } = await run(`${program}-restore`, ['--noflush', '--wait', '10'], {
      input: script,
      ownSession: true,
      keepOpen: locks(),
      allowFailure: true,
    });
    if (exitCode !== 0)
      throw new VmnetError(
        'command-failed',
        `${program}-restore: ${stderr.trim() || `exit code ${exitCode}`}`,
      );
  },
});
