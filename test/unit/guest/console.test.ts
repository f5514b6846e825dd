import { expect, test } from 'vitest';
import { consoleTail } from '../../../src/guest/console.js';

test.each([
  ['nothing', null, ''],
  ['an empty console', '', ''],
  ['blank lines', '\n \r\n\t\n', ''],
  ['a line', 'Kernel panic\n', '  | Kernel panic'],
  ['carriage returns', 'one\r\ntwo\r\n', '  | one\n  | two'],
  ['colours and cursor movements', '\x1b[1;31mred\x1b[0m \x1b[2J\x1b[?25lplain', '  | red plain'],
  ['a reset', 'a\x1bcb', '  | ab'],
  ['control characters', 'a\x00b\x07c\x08d\x7fe', '  | abcde'],
  ['characters that could pass for others', 'a\u202eb\u00adc\u009bd', '  | abcd'],
])('%s', (_, text, tail) => expect(consoleTail(text)).toBe(tail));

test('only the last twelve lines, and no more of a line than fits', () => {
  const lines = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(500)}`);
  const tail = consoleTail(lines.join('\n')).split('\n');
  expect(tail).toHaveLength(12);
  expect(tail[0]).toMatch(/^ {2}\| 88 x/);
  expect(tail.every(line => line.length <= 164)).toBe(true);
});

test('whatever a guest writes, nothing reaches the terminal but printable text', () => {
  const everything = Array.from({ length: 0x300 }, (_, i) => `${String.fromCharCode(i)}[31m`).join('');
  expect(consoleTail(everything)).toMatch(/^[\x20-\x7e\n]*$/);
});
