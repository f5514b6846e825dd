import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { inSandbox, SANDBOX_ENV } from '../../src/sandbox/sandbox.js';
import type { Box } from './box.js';

const PATIENCE_MS = 10_000;

/** Lines that a program of the sandbox prints, as they come. */
export class Lines {
  readonly #child: ChildProcess;
  readonly lines: string[] = [];
  complaints = '';
  #rest = '';

  constructor(box: Box, side: 'host' | 'lan', words: readonly string[]) {
    const [file = '', ...args] = inSandbox(box.sandbox, side, words);
    this.#child = spawn(file, args, { env: { ...process.env, ...SANDBOX_ENV } });
    this.#child.stdout?.on('data', chunk => {
      const parts = `${this.#rest}${chunk}`.split('\n');
      this.#rest = parts.pop() ?? '';
      this.lines.push(...parts);
    });
    this.#child.stderr?.on('data', chunk => {
      this.complaints += chunk;
    });
    this.#child.stdin?.on('error', () => {});
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  async until(what: string, test: () => boolean): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS; !test(); await sleep(10))
      if (Date.now() > end) throw new Error(`${what} did not happen: ${this.complaints}`);
  }

  async end(): Promise<void> {
    const gone = new Promise(resolve => this.#child.once('close', resolve));
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    await gone;
  }
}
