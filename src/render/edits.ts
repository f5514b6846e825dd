import type { XmlElement } from '../lab/xml/model.js';

/** A change of a text: what stands from `start` to `end` gives way to `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** @param edits in the order of the text */
export function edited(text: string, edits: readonly Edit[]): string {
  let at = 0;
  const parts = edits.flatMap(edit => {
    const kept = text.slice(at, edit.start);
    at = edit.end;
    return [kept, edit.text];
  });
  return [...parts, text.slice(at)].join('');
}

/** What an element without children says; null where it says so already. */
export function setText(text: string, element: XmlElement, words: string): Edit | null {
  const { name, start, inner, innerEnd, end, isEmpty } = element;
  if (isEmpty) return { start, end, text: `<${name}>${words}</${name}>` };
  return text.slice(inner, innerEnd) === words ? null : { start: inner, end: innerEnd, text: words };
}

/** A new child of the root, on a line of its own where the others are: behind a sibling, or as the first. */
export function insertBehind(
  text: string,
  root: XmlElement,
  sibling: XmlElement | undefined,
  xml: string,
): Edit {
  const at = sibling === undefined ? root.inner : endOfLine(text, sibling.end);
  return { start: at, end: at, text: block(text, root, root, [xml]) };
}

/** New children of an element, behind all that it has. */
export function appendTo(text: string, root: XmlElement, parent: XmlElement, added: readonly string[]): Edit {
  const body = block(text, root, parent, added);
  const isInline = childIndent(text, root, parent) === null;
  const closing = isInline ? '' : `${newlineOf(text)}${indentOf(text, parent.start) ?? ''}`;
  if (parent.isEmpty) {
    const start = spaceBefore(text, parent.inner - 2, 0);
    return { start, end: parent.inner, text: `>${body}${closing}</${parent.name}>` };
  }
  const at = spaceBefore(text, parent.innerEnd, parent.inner);
  const isOwnLine = text.slice(at, parent.innerEnd).includes('\n');
  return { start: at, end: at, text: isOwnLine ? body : `${body}${closing}` };
}

/** Elements, two spaces a level, as the file would have them inside `parent`. */
function block(text: string, root: XmlElement, parent: XmlElement, elements: readonly string[]): string {
  const lines = elements.flatMap(xml => xml.trimEnd().split('\n'));
  const indent = childIndent(text, root, parent);
  if (indent === null) return lines.map(line => line.trimStart()).join('');
  const unit = unitOf(text, root);
  return lines
    .map(line => {
      const words = line.trimStart();
      return `${newlineOf(text)}${indent}${unit.repeat((line.length - words.length) / 2)}${words}`;
    })
    .join('');
}

/** How far the children of an element are indented; null where they share its line. */
function childIndent(text: string, root: XmlElement, parent: XmlElement): string | null {
  const own = indentOf(text, parent.start);
  const next = own === null || parent === root ? null : `${own}${unitOf(text, root)}`;
  return firstIndent(text, parent) ?? next;
}

/** What a level is indented by. */
function unitOf(text: string, root: XmlElement): string {
  const own = indentOf(text, root.start) ?? '';
  const first = firstIndent(text, root);
  return first?.startsWith(own) && first !== own ? first.slice(own.length) : '  ';
}

function firstIndent(text: string, { children }: XmlElement): string | null {
  for (const { start } of children) {
    const indent = indentOf(text, start);
    if (indent !== null) return indent;
  }
  return null;
}

/** The spaces from the start of the line; null where something else stands there. */
function indentOf(text: string, offset: number): string | null {
  const start = spaceBefore(text, offset, 0);
  const space = text.slice(start, offset);
  const newline = space.lastIndexOf('\n');
  return newline < 0 && start > 0 ? null : space.slice(newline + 1);
}

const newlineOf = (text: string) => (text[text.indexOf('\n') - 1] === '\r' ? '\r\n' : '\n');

/** Where the spaces before a place begin. */
function spaceBefore(text: string, offset: number, least: number): number {
  let at = offset;
  while (at > least && /[ \t\r\n]/.test(text[at - 1] ?? '')) at--;
  return at;
}

/** Behind a comment on the same line, which is about what stands before it. */
function endOfLine(text: string, offset: number): number {
  const rest = /(?:[ \t]|<!--(?:(?!-->)[^\n])*-->)*(?=\r?\n)/y;
  rest.lastIndex = offset;
  const found = rest.exec(text)?.[0].trimEnd() ?? '';
  return offset + found.length;
}
