import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TEMPLATES } from '../place.js';

/** An element as xml2js holds it: `$` for attributes, `_` for text, every other key a list of child elements. */
export interface Element {
  $?: Record<string, string>;
  _?: string;
  [child: string]: unknown;
}

let library: typeof import('xml2js') | undefined;

/** Loaded by the first document: most runs of a network plane see none. */
function xml2js(): typeof import('xml2js') {
  library ??= createRequire(import.meta.url)('xml2js') as typeof import('xml2js');
  return library;
}

const parsed = new Map<string, Element>();

/** A template of ours, read once; each call gives a fresh tree that the caller may fill in. */
export function template(name: string): Element {
  const tree = parsed.get(name) ?? parse(readFileSync(new URL(name, TEMPLATES), 'utf8'));
  parsed.set(name, tree);
  return copyOf(tree);
}

/** Trees hold text, lists and elements only; structuredClone takes several times as long. */
export function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) copy[key] = copyOf(inner);
  return copy as T;
}

/** Parse a document; the result is its root element. Throws xml2js' own error. */
export function parse(text: string): Element {
  let root: Element = {};
  const options = { async: false, explicitRoot: false, emptyTag: () => ({}) };
  xml2js().parseString(text, options, (error, result: Element) => {
    if (error) throw error;
    root = result;
  });
  return root;
}

/** The children of that name. */
export function children(element: Element, name: string): Element[] {
  return (element[name] as Element[] | undefined) ?? [];
}

/** The only child of that name; a template that lacks it is a bug. */
export function child(element: Element, name: string): Element {
  const first = children(element, name)[0];
  if (first === undefined) throw new Error(`the template has no <${name}>`);
  return first;
}

export function setAttributes(element: Element, attributes: Readonly<Record<string, string | number>>): void {
  element.$ = {
    ...element.$,
    ...Object.fromEntries(Object.entries(attributes).map(([k, v]) => [k, String(v)])),
  };
}

/** What a terminal would act upon or not show, but a file's name may hold; our own line breaks stay. */
const UNSAFE = /[^ \n\p{L}\p{N}\p{P}\p{S}]/gu;

/** Serialise without an XML declaration, two spaces a level, as libvirt prints it; safe to look at. */
export function build(name: string, root: Element): string {
  const builder = new (xml2js().Builder)({
    rootName: name,
    headless: true,
    renderOpts: { pretty: true, indent: '  ', newline: '\n' },
  });
  const xml = builder.buildObject(root);
  return `${xml.replace(UNSAFE, char => `&#${char.codePointAt(0)};`)}\n`;
}
