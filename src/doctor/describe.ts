import { printable } from '../lab/quote.js';
import { type Finding, isUnseen, type Status } from './model.js';

/** Columns of a terminal that everybody has. */
const WIDTH = 80;

const STATUS = 'warning'.length + 2;

/** The findings as people read them: what is well in a line each, the rest with its reason and its fix. */
export function findingsText(findings: readonly Finding[]): string {
  const subject = Math.max(...findings.map(finding => finding.subject.length)) + 2;
  const indent = STATUS + Math.min(subject, WIDTH / 4);
  return findings.flatMap(finding => lines(finding, indent)).join('\n');
}

function lines({ status, subject, found, why, fix }: Finding, indent: number): string[] {
  const head = `${status.padEnd(STATUS)}${printable(subject)}`.padEnd(indent - 1);
  const [first = '', ...rest] = wrap(printable(found), WIDTH - indent);
  const more = [
    ...rest,
    ...(status === 'ok' ? [] : hanging('why: ', why, indent)),
    ...(fix === null
      ? []
      : fix.split('\n').flatMap((line, i) => hanging(i === 0 ? 'fix: ' : '     ', line, indent))),
  ];
  const room = head.length < indent;
  return room
    ? [`${head} ${first}`, ...more.map(line => pad(line, indent))]
    : [head, ...[first, ...more].map(line => pad(line, indent))];
}

const pad = (line: string, indent: number) => `${' '.repeat(indent)}${line}`;

const hanging = (label: string, text: string, indent: number): string[] =>
  wrap(printable(text), WIDTH - indent - label.length).map(
    (line, i) => `${i === 0 ? label : ' '.repeat(label.length)}${line}`,
  );

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
