import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** How `vmnet --json rehearse` of a file ended. */
export interface Rehearsed {
  /** Of the process that has ended. */
  readonly pid: number;
  readonly code: number | null;
  readonly seconds: number;
  /** Null where nothing was printed. */
  // biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
  readonly json: any;
  readonly stderr: string;
}

export function rehearse(file: string): Promise<Rehearsed> {
  const start = performance.now();
  return new Promise(resolve => {
    const words = [CLI, '--json', 'rehearse', file];
    const child = execFile(process.execPath, words, { maxBuffer: 64 * 2 ** 20 }, (_, stdout, stderr) => {
      resolve({
        pid: child.pid ?? 0,
        code: child.exitCode,
        seconds: (performance.now() - start) / 1000,
        json: stdout.trim() === '' ? null : JSON.parse(stdout),
        stderr,
      });
    });
    child.stdin?.end();
  });
}
