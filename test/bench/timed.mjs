// Runs stages of commands, read as JSON from stdin, each command when the one before has ended; prints each stage's milliseconds.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const stages = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(stages.map(timed)));

function timed(commands) {
  const started = performance.now();
  for (const [file, ...args] of commands) {
    const { status, error, stdout, stderr } = spawnSync(file, args, { maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(`${[file, ...args].join(' ')}: ${error ?? `${stdout}${stderr}`}`);
  }
  return performance.now() - started;
}
