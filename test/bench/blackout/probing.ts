import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inSandbox } from '../../../src/sandbox/sandbox.js';
import type { Box } from '../../support/box.js';

/** What became of the probes to one address. */
export interface Probed {
  readonly address: string;
  readonly sent: number;
  readonly lost: number;
  readonly longestGapMs: number;
  /** Longest time between two probes: the sender is no finer than this. */
  readonly spacingMs: number;
}

const PORT = 7;
const SPACING_MS = 2;

/** Answer probes on the host until the returned function is called. */
export async function answering(box: Box): Promise<() => Promise<string>> {
  return started(box, 'host', 'echo.mjs', String(PORT));
}

/** Probe addresses of the host from the LAN, from a moment before something happens until a moment after. */
export async function probedDuring(
  box: Box,
  addresses: readonly string[],
  happens: () => Promise<unknown>,
): Promise<Probed[]> {
  const end = await started(box, 'lan', 'probe.mjs', String(PORT), String(SPACING_MS), ...addresses);
  await pause();
  try {
    await happens();
    await pause();
  } catch (error) {
    await end();
    throw error;
  }
  return JSON.parse(await end());
}

const pause = () => new Promise(done => setTimeout(done, 300));

/** Start one of the scripts beside this file; what is returned closes its input and gives its last line. */
async function started(
  box: Box,
  side: 'host' | 'lan',
  script: string,
  ...args: string[]
): Promise<() => Promise<string>> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const [file = '', ...words] = inSandbox(box.sandbox, side, [process.execPath, path, ...args]);
  const child = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = linesOf(child);
  if ((await lines.next()).value !== 'ready') throw new Error(`${script} did not start`);
  return async () => {
    child.stdin.end();
    let last = '';
    for await (const line of lines) last = line;
    return last;
  };
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of child.stdout ?? []) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
