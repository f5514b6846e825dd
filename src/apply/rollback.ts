import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState } from '../host/model.js';
import { difference } from '../host/normalise.js';
import { execute, joined } from './execute.js';
import type { Run } from './pipeline.js';

/** What became of an attempt to go back. */
export interface Rollback {
  /** What still differs from the state before, one line each; empty is a restored host. */
  readonly left: readonly string[];
  /** Why the host could not be looked at, so that nothing is known of it; null where it could. */
  readonly unseen: Error | null;
  /** Undo actions that failed, in words. */
  readonly failures: readonly string[];
}

/** Undo a run, the latest step first, then look at the host again instead of believing the undo. */
export async function rollBack(
  run: Run,
  before: HostState,
  drivers: Drivers,
  observe: () => Promise<HostState>,
): Promise<Rollback> {
  const failures: string[] = [];
  // A guest comes back when its taps are there again, and those of an earlier phase are undone later.
  const starts = run.undo.filter(action => action.kind === 'start');
  const others = run.undo.filter(action => action.kind !== 'start');
  for (const action of joined([...others, ...starts])) {
    await execute(action, drivers, { undoing: true, signal: null, tell: () => {} }).catch((error: Error) =>
      failures.push(`${action.kind}${'name' in action ? ` ${action.name}` : ''}: ${error.message}`),
    );
  }
  return observe().then(
    after => ({ left: difference(before, after), unseen: null, failures }),
    (error: Error) => ({
      left: [`the host could not be looked at again: ${error.message}`],
      unseen: error,
      failures,
    }),
  );
}

/** The error of a run that failed and could not be undone whole. */
export function notRestored(cause: Error, rollback: Rollback, lab: string): VmnetError {
  return new VmnetError(
    'not-restored',
    `${cause.message}; going back did not restore the host whole`,
    [
      'What is left:',
      ...rollback.left.map(line => `  ${line}`),
      ...rollback.failures.map(line => `  failed: ${line}`),
      ...(rollback.unseen instanceof VmnetError && rollback.unseen.hint ? [rollback.unseen.hint] : []),
      `To finish: vmnet destroy ${lab}`,
    ].join('\n'),
    cause,
  );
}
