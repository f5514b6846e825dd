import { expect, test } from 'vitest';
import { joined } from '../../../src/apply/execute.js';
import type { Action } from '../../../src/plan/model.js';

const ip = (...lines: string[]): Action => ({ kind: 'ip', lines });
const six = (...lines: string[]): Action => ({ kind: 'ip', family: 6, lines });
const gone = (...altnames: string[]): Action => ({
  kind: 'delete-links',
  links: altnames.map(altname => ({ altname, createdAs: null })),
});
const sysctl: Action = { kind: 'sysctl', path: 'net/a', value: '1' };

test('neighbouring batches become one', () => {
  expect(joined([ip('a'), ip('b', 'c'), ip('d')])).toEqual([ip('a', 'b', 'c', 'd')]);
});

test('neighbouring deletions become one', () => {
  expect(joined([gone('a'), gone('b')])).toEqual([gone('a', 'b')]);
});

test('nothing is moved past something else', () => {
  const mixed = [ip('a'), sysctl, ip('b'), gone('c'), ip('d'), gone('e')];
  expect(joined(mixed)).toEqual(mixed);
});

test('families have batches of their own', () => {
  expect(joined([ip('a'), six('b'), six('c'), ip('d')])).toEqual([ip('a'), six('b', 'c'), ip('d')]);
});

test('the actions that came in stay as they were', () => {
  const first = ip('a');
  expect(joined([first, ip('b')])).toHaveLength(1);
  expect(first).toEqual(ip('a'));
  expect(joined([])).toEqual([]);
});
