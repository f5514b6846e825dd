import { expect, test } from 'vitest';
import { parseQueues } from '../../../src/host/queues.js';

const qdisc = (dev: string, kind: string, handle: string, more = {}) => ({
  dev,
  kind,
  handle,
  root: true,
  ...more,
});

test('queueing disciplines that somebody set, of what tc shows', () =>
  expect(
    parseQueues([
      qdisc('tap-a', 'netem', '3c1a:'),
      qdisc('tap-a', 'tbf', '8002:', { root: undefined, parent: '3c1a:1' }),
      // The kernel's own.
      qdisc('tap-b', 'fq_codel', '0:'),
      qdisc('lo', 'noqueue', '0:'),
      // libvirt's.
      qdisc('tap-c', 'noqueue', '8001:'),
      { dev: 'tap-d', kind: 'clsact', handle: 'ffff:', parent: 'ffff:fff1' },
    ]),
  ).toEqual([{ dev: 'tap-a', kind: 'netem', handle: '3c1a:' }]));
