// npm run bench [-- [--json] [--readme] [--rounds N] [CASE…]]: run the cases (those whose path has one of these words)
// and print what each found, as tables or as one JSON document, and how that compares with what is aimed at; --readme puts
// the tables into the README as well. Nothing is asserted of a time.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { intoReadme } from './readme.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
});
const folder = await mkdtemp(join(tmpdir(), 'bench-'));
process.env.BENCH_RESULTS = join(folder, 'results');
if (values.rounds) process.env.BENCH_ROUNDS = values.rounds;
try {
  const vitest = await startVitest('test', positionals, {
    config: fileURLToPath(new URL('vitest.config.ts', import.meta.url)),
    watch: false,
    reporters: values.json ? [{ onTestCaseResult: complain }] : ['default'],
  });
  await vitest.close();
  const lines = (await readFile(process.env.BENCH_RESULTS, 'utf8').catch(() => ''))
    .split('\n')
    .filter(Boolean);
  const found = lines.map(line => JSON.parse(line));
  const cases = found.map(({ goals: _, ...rest }) => rest).filter(({ rows }) => rows.length > 0);
  const goals = {
    name: 'goals',
    note: 'what is aimed at, and what was found; nothing fails where one is missed',
    rows: found.flatMap(({ goals }) => goals),
  };
  print(cases, goals);
  if (values.readme && !process.exitCode) await intoReadme(cases, goals);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** A case that failed says why, where vitest prints nothing. */
function complain(test) {
  for (const { message } of test.result().errors ?? []) console.error(`${test.fullName}: ${message}`);
}

function print(cases, goals) {
  if (values.json) {
    console.log(JSON.stringify({ ok: !process.exitCode, cases, goals: goals.rows }, null, 2));
    return;
  }
  for (const { name, note, rows } of [...cases, ...(goals.rows.length ? [goals] : [])]) {
    console.log(`\n${name}: ${note}`);
    console.log(table(rows));
  }
}

function table(rows) {
  const heads = Object.keys(rows[0] ?? {});
  const lines = [heads, ...rows.map(row => heads.map(head => String(row[head])))];
  const widths = heads.map((_, i) => Math.max(...lines.map(line => line[i].length)));
  const numeric = heads.map(head => rows.every(row => typeof row[head] === 'number'));
  const cell = (text, i) => (numeric[i] ? text.padStart(widths[i]) : text.padEnd(widths[i]));
  return lines.map(line => `  ${line.map(cell).join('  ')}`.trimEnd()).join('\n');
}
