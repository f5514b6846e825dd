import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { inOrder, type Job, pause } from '../../../src/apply/order.js';

/** Jobs that say when they begin and are over. */
function scene(after: Record<string, readonly string[]>, work: Partial<Job> = {}) {
  const log: string[] = [];
  const jobs = Object.entries(after).map(
    ([name, names]): Job => ({
      title: `start ${name}`,
      name,
      after: names.map(other => ({ name: other, what: other })),
      act: async () => void log.push(`${name} begins`),
      wait: async () => {
        await sleep(5);
        log.push(`${name} is over`);
      },
      ...work,
    }),
  );
  return { jobs, log };
}

const idle = new AbortController().signal;

describe('jobs', () => {
  test('begin when those that they come after are over, and say whom they wait for', async () => {
    const { jobs, log } = scene({ web: ['db', 'gone'], db: [], last: ['web'] });
    await inOrder(jobs, 1, idle, line => log.push(line));
    expect(log).toEqual([
      'web waits for db',
      'last waits for web',
      'db begins',
      'db is over',
      'web begins',
      'web is over',
      'last begins',
      'last is over',
    ]);
  });

  test('wait without taking a place', async () => {
    const { jobs, log } = scene({ a: [], b: [], c: [] });
    await inOrder(jobs, 1, idle, () => {});
    expect(log.slice(0, 3)).toEqual(['a begins', 'b begins', 'c begins']);
  });

  test('that wait are told when another fails, and its failure is thrown', async () => {
    const { jobs } = scene({ a: [], b: [] });
    const [a, b] = jobs as [Job, Job];
    const waiting = { ...a, wait: (signal: AbortSignal) => pause(60_000, signal, 'a was waiting') };
    const failing = { ...b, wait: async () => Promise.reject(new Error('b is broken')) };
    await expect(inOrder([waiting, failing], 2, idle, () => {})).rejects.toThrow('b is broken');
  });

  test('that wait are interrupted, and those that come after do not begin', async () => {
    const over = new AbortController();
    const { jobs, log } = scene({ db: [], web: ['db'] }, { wait: signal => pause(60_000, signal, 'it was') });
    setTimeout(() => over.abort(), 5);
    await expect(inOrder(jobs, 2, over.signal, () => {})).rejects.toMatchObject({ code: 'interrupted' });
    expect(log).toEqual(['db begins']);
  });

  test('none are none', async () => {
    await inOrder([], 2, idle, () => {});
  });
});
