import { expect, test } from 'vitest';
import { jsonReporter } from '../../../src/report/json.js';
import { textReporter } from '../../../src/report/text.js';

const stage = (title: string, run: () => Promise<string | undefined>) => ({ title, run });

/** A stream that is no terminal, and keeps what is written. */
function paper() {
  const lines: string[] = [];
  return {
    lines,
    stream: { isTTY: false, write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream,
  };
}

test('for programs, stages run in order and nothing is said', async () => {
  const order: string[] = [];
  const reporter = jsonReporter();
  await reporter.stages([
    stage('one', async () => void order.push('one')),
    stage('two', async () => void order.push('two')),
  ] as Parameters<typeof reporter.stages>[0]);
  reporter.print('text');
  expect(order).toEqual(['one', 'two']);
});

test.each(['json', 'text'])('the first failure of a stage ends the run (%s)', async kind => {
  const reporter = kind === 'json' ? jsonReporter() : textReporter(paper().stream, paper().stream);
  const failure = new Error('stop');
  const run = reporter.stages([
    stage('one', () => Promise.reject(failure)),
    stage('two', () => Promise.reject(new Error('must not run'))),
  ]);
  await expect(run).rejects.toBe(failure);
});

test('for people, text goes to stdout and warnings to stderr', () => {
  const [out, err] = [paper(), paper()];
  const reporter = textReporter(out.stream, err.stream);
  reporter.print('done');
  reporter.warn('careful');
  expect([out.lines, err.lines]).toEqual([['done\n'], ['careful\n']]);
});
