import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { DEEPEST, LONGEST_KEY, parsePlain } from './plain.js';
import type { Path } from './problem.js';
import { quote } from './quote.js';
import { type Place, placeAt, Source } from './source.js';

/** The scanner's token numbers: its `const enum` cannot be read by single-file compilers. */
const END: number = 17;
const CLOSER_OF: Readonly<Record<number, number>> = { 1: 2, 3: 4 };

/** In the words of people; the rest is said as the parser names it. */
const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this is not a JSON word or number; texts need double quotes',
  InvalidNumberFormat: 'this is not a JSON number',
  PropertyNameExpected: 'a key in double quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: 'a ":" is expected after the key',
  CommaExpected: 'a "," is missing before this',
  CloseBraceExpected: 'a "}" is missing',
  CloseBracketExpected: 'a "]" is missing',
  EndOfFileExpected: 'there is something after the end of the lab',
  InvalidCommentToken: 'this comment is not allowed here',
  UnexpectedEndOfComment: 'this comment does not end',
  UnexpectedEndOfString: 'this text does not end with a double quote on its line',
  UnexpectedEndOfNumber: 'this number is cut short',
  InvalidUnicode: 'this \\u escape is not four hex digits',
  InvalidEscapeCharacter: 'this \\ escape is unknown to JSON',
  InvalidCharacter: 'this character is only allowed in a text as a \\u escape',
};

/** JSON with comments to plain values, telling the source where each is. Undefined after a syntax problem, which is reported. */
export function parseJson(text: string, source: Source): unknown {
  const plain = parsePlain(text);
  if (plain !== undefined) {
    source.locate = () => parseWithPlaces(text, new Source(text))?.root ?? placeAt(0, 0);
    return plain;
  }
  const parsed = parseWithPlaces(text, source);
  if (parsed === undefined) return undefined;
  source.locate = () => parsed.root;
  return parsed.value;
}

function parseWithPlaces(text: string, source: Source): { value: unknown; root: Place } | undefined {
  if (isTooDeep(text, source) || isEmpty(text, source)) return undefined;
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  reportSyntax(errors, source);
  if (errors.length > 0 || tree === undefined) return undefined;
  const root = placeAt(tree.offset, tree.offset);
  return { value: toValue(tree, root, [], source), root };
}

/** A closer that does not fit counts for nothing: after an error the parser passes over it and goes on inside. */
function isTooDeep(text: string, source: Source): boolean {
  const scanner = createScanner(text, true);
  const closers: number[] = [];
  for (let token: number = scanner.scan(); token !== END; token = scanner.scan()) {
    const closer = CLOSER_OF[token];
    if (closer !== undefined) closers.push(closer);
    else if (token === closers.at(-1)) closers.pop();
    if (closers.length <= DEEPEST) continue;
    source.reportAt(
      scanner.getTokenOffset(),
      `nested more than ${DEEPEST} levels deep`,
      'a lab needs 6 levels; see "vmnet schema"',
    );
    return true;
  }
  return false;
}

function isEmpty(text: string, source: Source): boolean {
  if (Number(createScanner(text, true).scan()) !== END || text.lastIndexOf('/*') > text.lastIndexOf('*/'))
    return false;
  source.reportAt(0, 'the file is empty', 'write a starter lab with "vmnet init"');
  return true;
}

/** One a line: what follows the first is mostly its echo. */
function reportSyntax(errors: readonly ParseError[], source: Source): void {
  const lines = new Set<number>();
  for (const { error, offset } of errors) {
    const { line } = source.position(offset);
    if (lines.has(line)) continue;
    lines.add(line);
    const code = printParseErrorCode(error);
    source.reportAt(
      offset,
      `not JSON: ${SYNTAX[code] ?? code}`,
      'correct the syntax; comments and trailing commas are fine',
    );
  }
}

/** Objects come without a prototype, so that no key of the file can mean more than a key. */
function toValue(node: Node, place: Place, path: Path, source: Source): unknown {
  const children = node.children ?? [];
  if (node.type === 'array') {
    return children.map((child, index) => placed(child, child, index, place, path, source));
  }
  if (node.type !== 'object') return node.value === 0 ? 0 : node.value; // -0 is 0
  const object: Record<string, unknown> = Object.create(null);
  for (const { children: [key, value] = [] } of children) {
    if (key === undefined || value === undefined) continue;
    const name = String(key.value);
    const refusal = refusalOf(name, place, source);
    if (refusal === null) object[name] = placed(value, key, name, place, path, source);
    else source.reportAt(key.offset, ...refusal, [...path, name.slice(0, LONGEST_KEY)]);
  }
  return object;
}

function placed(
  value: Node,
  key: Node,
  name: string | number,
  parent: Place,
  path: Path,
  source: Source,
): unknown {
  const place = placeAt(key.offset, value.offset);
  parent.children.set(name, place);
  return toValue(value, place, [...path, name], source);
}

/** Keys that are not taken over: the parser would keep the last of two, and the language knows `__proto__`. */
function refusalOf(name: string, place: Place, source: Source): [message: string, fix: string] | null {
  const first = place.children.get(name);
  if (first !== undefined) {
    const { line } = source.position(first.key);
    return [`the key ${quote(name)} is here twice, first on line ${line}`, 'keep one of the two'];
  }
  if (name === '__proto__') return ['the key "__proto__" is not allowed', 'choose another name'];
  if (name.length <= LONGEST_KEY) return null;
  return [`the key ${quote(name)} is ${name.length} characters long`, 'choose one of at most 63'];
}
