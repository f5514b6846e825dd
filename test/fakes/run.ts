import type { Run, RunOptions, RunResult } from '../../src/drivers/run.js';

/** A process runner that answers from a table and remembers what it was asked. */
export interface FakeRun {
  readonly run: Run;
  readonly calls: { readonly command: string; readonly options: RunOptions }[];
}

/** `answer` sees the whole command; what it leaves out is an empty output and exit code 0. */
export function fakeRun(answer: (command: string, options: RunOptions) => Partial<RunResult>): FakeRun {
  const calls: FakeRun['calls'] = [];
  const run: Run = async (file, args, options = {}) => {
    const command = [file, ...args].join(' ');
    calls.push({ command, options });
    return { stdout: '', stderr: '', exitCode: 0, ...answer(command, options) };
  };
  return { run, calls };
}
