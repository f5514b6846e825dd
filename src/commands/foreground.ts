import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { VmnetError } from '../errors.js';
import type { Context } from './command.js';

/** Is there such a program, on the PATH or by its path? */
export async function isProgram(program: string, { kernel }: Context['drivers']): Promise<boolean> {
  if (program.includes('/')) return kernel.exists(program);
  for (const folder of (process.env.PATH ?? '').split(delimiter))
    if (folder !== '' && (await kernel.exists(join(folder, program)))) return true;
  return false;
}

/** Signals that a terminal sends to us and to the program alike, and others to us alone. */
const PASSED_ON = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Run a program with our own standard streams; its exit code becomes ours.
 * @param json programs read our standard output, and the one document there is ours
 * @param package_ what it is installed by
 */
export function runInForeground(
  [file, ...args]: readonly [string, ...string[]],
  json: boolean,
  package_: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['inherit', json ? process.stderr : 'inherit', 'inherit'] });
    const pass = (signal: NodeJS.Signals) => void child.kill(signal);
    for (const signal of PASSED_ON) process.on(signal, pass);
    const forget = () => {
      for (const signal of PASSED_ON) process.off(signal, pass);
    };
    child.once('error', error => {
      forget();
      reject(
        new VmnetError('missing-tool', `${file}: ${error.message}`, `apt-get install ${package_}`, error),
      );
    });
    child.once('close', (code, signal) => {
      forget();
      resolve(signal ? 128 + constants.signals[signal] : (code ?? 1));
    });
  });
}
