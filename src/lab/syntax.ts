import {
  createScanner,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
  SyntaxKind,
} from 'jsonc-parser';
import type { Path } from './problem.js';
import { quote } from './quote.js';
import type { Source } from './source.js';

/** A lab is 6 levels deep; the parser recurses, so deeper files are refused before it runs. */
const DEEPEST = 32;

/** The scanner's token numbers: its `const enum` cannot be read by single-file compilers. */
const OPEN: readonly number[] = [1, 3];
const CLOSE: readonly number[] = [2, 4];
const END: number = 17;

/** In the words of people; the rest is said as the parser names it. */
const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this word is not JSON',
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
  InvalidCharacter: 'this character is not allowed in a text; write it as a \\u escape',
};

/** JSON with comments to plain values, telling the source where each is. Undefined after a syntax problem, which is reported. */
export function parseJson(text: string, source: Source): unknown {
  if (isTooDeep(text, source) || isEmpty(text, source)) return undefined;
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  reportSyntax(errors, source);
  if (errors.length > 0 || tree === undefined) return undefined;
  source.place([], tree, tree);
  return toValue(tree, [], source);
}

function isTooDeep(text: string, source: Source): boolean {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token: number = scanner.scan(); token !== END; token = scanner.scan()) {
    if (OPEN.includes(token)) depth++;
    if (CLOSE.includes(token)) depth--;
    if (depth <= DEEPEST) continue;
    source.reportAt(
      scanner.getTokenOffset(),
      `nested more than ${DEEPEST} levels deep`,
      'a lab needs 6 levels: see "vmnet schema"',
    );
    return true;
  }
  return false;
}

function isEmpty(text: string, source: Source): boolean {
  if (Number(createScanner(text, true).scan()) !== END) return false;
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
function toValue(node: Node, path: Path, source: Source): unknown {
  const children = node.children ?? [];
  if (node.type === 'array')
    return children.map((child, index) => placed(child, child, [...path, index], source));
  if (node.type !== 'object') return node.value === 0 ? 0 : node.value; // -0 is 0
  const object: Record<string, unknown> = Object.create(null);
  for (const { children: [key, value] = [] } of children) {
    if (key === undefined || value === undefined) continue;
    const name = String(key.value);
    if (isRefused(name, path, key, object, source)) continue;
    object[name] = placed(value, key, [...path, name], source);
  }
  return object;
}

function placed(value: Node, key: Node, path: Path, source: Source): unknown {
  source.place(path, value, key);
  return toValue(value, path, source);
}

function isRefused(name: string, path: Path, key: Node, object: object, source: Source): boolean {
  if (name in object) {
    const first = source.position(source.offsetOf([...path, name], 'key'));
    source.reportAt(
      key.offset,
      `the key ${quote(name)} is here twice, first on line ${first.line}`,
      'keep one of the two',
      [...path, name],
    );
    return true;
  }
  if (name !== '__proto__') return false;
  source.reportAt(key.offset, 'the key "__proto__" is not allowed', 'choose another name', [...path, name]);
  return true;
}
