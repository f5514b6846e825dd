import { expect, test } from 'vitest';
import { table } from '../../../src/report/table.js';

test('columns are as wide as their widest cell, and nothing trails', () => {
  expect(
    table(
      ['VM', 'state'],
      [
        ['web', 'running'],
        ['database', 'off'],
      ],
    ),
  ).toBe(['VM        state', 'web       running', 'database  off'].join('\n'));
});

test('numbers stand to the right, and so does the dash of a missing one', () => {
  expect(
    table(
      ['tap', 'in'],
      [
        ['a', 5],
        ['b', 1234],
        ['c', '-'],
      ],
    ),
  ).toBe(['tap    in', 'a       5', 'b    1234', 'c       -'].join('\n'));
});

test('a column with a word in it is text', () => {
  expect(
    table(
      ['n', 'x'],
      [
        [1, ''],
        ['many', ''],
      ],
    ),
  ).toBe(['n     x', '1', 'many'].join('\n'));
});

test('without rows there is the header', () => expect(table(['a', 'b'], [])).toBe('a  b'));
