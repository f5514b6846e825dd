import { expect, test } from 'vitest';
import { parsePlain } from '../../../src/lab/plain.js';
import { Source } from '../../../src/lab/source.js';
import { parseJson } from '../../../src/lab/syntax.js';

test.each([
  ['a comment', '{"a": 1 /* one */}'],
  ['a key that is there twice', '{"a": 1, "a": 2}'],
  ['a key that the language knows', '{"__proto__": {"a": 1}}'],
  ['a long key', `{"${'a'.repeat(129)}": 1}`],
  ['deep lists', `${'['.repeat(17)}${']'.repeat(17)}`],
  ['what looks like a key in a text', '{"a": "\\": "}'],
])('%s goes the long way', (_, text) => expect(parsePlain(text)).toBeUndefined());

test.each(['{"a": [-0, 1e2, null, true, "x\\u0000"], "b": {"constructor": {}}}', '[]', '"a"', '{}'])(
  '%s is the same either way',
  text => expect(parsePlain(text)).toEqual(parseJson(`${text}//`, new Source(`${text}//`))),
);

test('where a value stands is found out when it is asked for', () => {
  const source = new Source('{\n  "a": {"b": 1}\n}');
  parseJson('{\n  "a": {"b": 1}\n}', source);
  expect(source.position(source.offsetOf(['a', 'b'], 'value'))).toEqual({ line: 2, column: 14 });
});
