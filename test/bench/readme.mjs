// Puts the tables of cases between their markers in the README: `<!-- bench: NAME -->` and `<!-- /bench -->`.
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, release } from 'node:os';

const README = new URL('../../README.md', import.meta.url);

/** Of the goals, rows that this run says nothing of stay as they are: each case has its own. */
export async function intoReadme(cases, goals) {
  let text = await readFile(README, 'utf8');
  for (const found of cases) text = replaced(text, found);
  const found = new Map(
    [...rowsIn(text, goals.name), ...goals.rows].map(row => [`${row.goal} ${row.wanted}`, row]),
  );
  await writeFile(README, replaced(text, { ...goals, rows: [...found.values()] }));
}

function rowsIn(text, name) {
  const [, block = ''] = new RegExp(`<!-- bench: ${name} -->(.*?)<!-- /bench -->`, 's').exec(text) ?? [];
  const lines = block.split('\n').filter(line => line.startsWith('| '));
  const [heads = [], , ...rows] = lines.map(line => line.slice(2, -2).split(' | '));
  return rows.map(row => Object.fromEntries(heads.map((head, i) => [head, asWritten(row[i])])));
}

const asWritten = cell => (Number.isNaN(Number(cell)) ? cell : Number(cell));

function replaced(text, found) {
  const start = `<!-- bench: ${found.name} -->`;
  const from = text.indexOf(start);
  const to = text.indexOf('<!-- /bench -->', from);
  if (from < 0 || to < 0)
    throw new Error(`the README has no place for this: it lacks ${start} … <!-- /bench -->`);
  return `${text.slice(0, from)}${start}\n${section(found)}\n${text.slice(to)}`;
}

const machine = `${availableParallelism()} processors, Linux ${release().split('-')[0]}, Node ${process.version}`;

const section = ({ name, note, rows }) => `**${name}**: ${note} (${machine})\n\n${markdown(rows)}\n`;

function markdown(rows) {
  const heads = Object.keys(rows[0] ?? {});
  const align = heads.map(head => (rows.every(row => typeof row[head] === 'number') ? '--:' : '---'));
  const line = cells => `| ${cells.map(cell => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(align), ...rows.map(row => line(heads.map(head => row[head])))].join('\n');
}
