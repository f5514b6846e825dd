import { appendFileSync, chmodSync, writeFileSync } from 'node:fs';
import type { Trace } from '../drivers/run.js';
import { VmnetError } from '../errors.js';

/** Write what is run to a file that only its owner may read: each entry at once, so that a crash keeps it. */
export function debugTrace(file: string): Trace {
  try {
    writeFileSync(file, '', { mode: 0o600 });
    chmodSync(file, 0o600); // a file that was there already keeps its mode
  } catch (error) {
    throw new VmnetError(
      'usage',
      `--debug: ${file} cannot be written: ${(error as Error).message}`,
      'Name a file in a folder that you may write to.',
    );
  }
  return ({ what, detail, ms, outcome }) => {
    const lines = [
      `# ${new Date().toISOString()} ${ms.toFixed(1)} ms`,
      what,
      ...(detail ? [indent(detail)] : []),
      indent(outcome.trimEnd()),
      '',
    ];
    appendFileSync(file, `${lines.join('\n')}\n`);
  };
}

const indent = (text: string) =>
  text
    .split('\n')
    .map(line => `    ${line}`)
    .join('\n');
