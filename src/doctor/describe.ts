import { printable } from '../lab/quote.js';
import { type Finding, isUnseen, type Status } from './model.js';

/** Columns of a terminal that everybody has. */
const WIDTH = 80;

/** Where the subject begins. */
const SUBJECT = 'warning'.length + 2;

/** The findings as people read them: what is well in a line each, the rest with its reason and its fix. */
export function findingsText(findings: readonly Finding[]): string {
  const told = foldTools(findings);
  const widest = Math.max(...told.map(({ subject }) => subject.length));
  const column = SUBJECT + Math.min(widest, 18) + 2;
  return told.flatMap(finding => lines(finding, column)).join('\n');
}

/** Tools that are there share a line. */
function foldTools(findings: readonly Finding[]): Finding[] {
  const isFine = ({ id, status }: Finding) => id.startsWith('tool-') && status === 'ok';
  const [first, ...others] = findings.filter(isFine);
  if (first === undefined) return [...findings];
  const found = [first, ...others].map(tool => `${tool.subject} ${tool.found}`).join(', ');
  return findings
    .map(finding => (finding === first ? { ...finding, subject: 'tools', found } : finding))
    .filter(finding => !others.includes(finding));
}

function lines({ status, subject, found, why, fix }: Finding, column: number): string[] {
  const head = `${status.padEnd(SUBJECT)}${printable(subject)}  `.padEnd(column);
  const what = hanging(head, column, found);
  if (status === 'ok') return what;
  const label = (word: string, text: string) => hanging(`${' '.repeat(SUBJECT)}${word}  `, SUBJECT + 5, text);
  const [command, ...more] = fix?.split('\n') ?? [];
  return [
    ...what,
    ...label('why', why),
    ...(command === undefined ? [] : label('fix', command)),
    ...more.flatMap(line => label('   ', line)),
  ];
}

/** `head`, then text in the columns from `column` on. */
function hanging(head: string, column: number, text: string): string[] {
  const [first = '', ...rest] = wrap(printable(text), WIDTH - column);
  const pad = ' '.repeat(column);
  return head.length > column
    ? [head.trimEnd(), ...[first, ...rest].map(line => pad + line)]
    : [head.padEnd(column) + first, ...rest.map(line => pad + line)];
}

/** Cut at spaces; a word that is longer than a line stays whole, so that it can be copied. */
export function wrap(text: string, width: number): string[] {
  const out: string[] = [];
  for (const word of text.split(' ')) {
    const last = out.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) out[out.length - 1] = `${last} ${word}`;
    else out.push(word);
  }
  return out;
}

/** The one line that the doctor ends with. */
export function diagnosis(findings: readonly Finding[]): string {
  const count = (status: Status) => findings.filter(finding => finding.status === status).length;
  const some = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  const unseen = findings.filter(isUnseen).length;
  const rest = unseen > 0 ? `; ${unseen} could not be looked at` : '';
  return `${count('ok')} ok, ${some(count('warning'), 'warning')}, ${some(count('fault'), 'fault')}${rest}`;
}
