import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VmnetError } from '../errors.js';
import type { Run, RunResult } from './run.js';

export interface ScriptOptions {
  /** Going back: where no file can be written, the script is piped in. */
  readonly undoing?: boolean;
  /** Command prefix that runs it in another network namespace. */
  readonly enter?: readonly string[];
}

/**
 * Hands a program its script as a whole file, since a cut one would be run as far as it goes. Its path follows the
 * arguments; it is `-` where the script is piped in. A failing program is the caller's to judge.
 */
export type RunScript = (
  program: 'ip' | 'bridge' | 'nft' | 'tc',
  args: readonly string[],
  text: string,
  options?: ScriptOptions,
) => Promise<RunResult>;

/** @param locks descriptors that the program inherits: nobody else may start while it runs, even if we are killed */
export function makeRunScript(
  run: Run,
  folder: string,
  locks: () => readonly number[] = () => [],
): RunScript {
  let serial = 0;
  return async (program, args, text, { undoing = false, enter = [] } = {}) => {
    const child = { ownSession: true, allowFailure: true, keepOpen: locks() };
    const [start = program, ...before] = [...enter, program];
    const file = join(folder, `${process.pid}-${serial++}.${program}`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(file, text, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      await rm(file, { force: true }).catch(() => {});
      if (!undoing) throw notWritten(file, error as Error);
      // Going back must not fail for want of disk space.
      return run(start, [...before, ...args, '-'], { ...child, input: text });
    }
    try {
      return await run(start, [...before, ...args, file], child);
    } finally {
      await rm(file, { force: true }).catch(() => {}); // it was run; `ip.sweep` removes it later
    }
  };
}

const notWritten = (file: string, error: Error) =>
  new VmnetError(
    'state',
    `the batch ${file} cannot be written: ${error.message}`,
    'Make room or make the folder writable, or point VMNET_STATE_DIR elsewhere.',
    error,
  );
