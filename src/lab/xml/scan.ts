import { codePoint, quote } from '../quote.js';
import type { XmlElement, XmlFault } from './model.js';

/**
 * The elements of an XML document and where each of them stands in its text. It reads what libvirt's parser reads, but
 * for document types, which may define entities: those are a fault. Takes time linear in the length of the text.
 */
export function scanXml(text: string): { readonly root: XmlElement } | { readonly fault: XmlFault } {
  try {
    return { root: new Scanner(text).document() };
  } catch (error) {
    if (error instanceof Unread) return { fault: error.fault };
    throw error;
  }
}

class Unread extends Error {
  constructor(readonly fault: XmlFault) {
    super(fault.message);
  }
}

/** What XML 1.0 has no place for, and the control characters that a terminal acts upon. */
const UNFIT = /[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

const NAME = /[\p{L}_:][\p{L}\p{N}_:.·-]*/uy;
const SPACE = /[ \t\r\n]*/y;
/** An attribute's value with its quotes. */
const VALUE = /"[^"<]*"|'[^'<]*'/y;
/** Of the predefined entities and of character references; anything else that begins so is at fault. */
const REFERENCE = /&(?:(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)?/g;

/** What to name instead of what is none. */
export const A_DOMAIN = 'name the XML of a domain, such as "virsh dumpxml --inactive NAME" prints it';

type Open = { -readonly [K in keyof XmlElement]: XmlElement[K] } & { children: XmlElement[] };

class Scanner {
  readonly #text: string;
  #at = 0;
  #root: Open | null = null;
  readonly #open: Open[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  document(): XmlElement {
    const unfit = UNFIT.exec(this.#text);
    if (unfit !== null)
      this.#fail(`it has the character ${codePoint(unfit[0])} in it`, 'take it out', unfit.index);
    if (this.#text.startsWith('\ufeff')) this.#at = 1;
    const begin = this.#at;
    while (this.#at < this.#text.length) this.#token(begin);
    const unclosed = this.#open.at(-1);
    if (unclosed !== undefined)
      this.#fail(`<${shown(unclosed.name)}> is not closed`, 'add its end tag', unclosed.start);
    return this.#root ?? this.#fail('it has no element', A_DOMAIN, 0);
  }

  #token(begin: number): void {
    if (this.#text[this.#at] !== '<') this.#words();
    else if (this.#is('<!--')) this.#comment();
    else if (this.#is('<![CDATA[')) {
      if (this.#open.length === 0) this.#stray(this.#at);
      this.#upTo(']]>', 'a CDATA section');
    } else if (this.#is('<?')) {
      if (/^<\?xml[ \t\r\n]/i.test(this.#text.slice(this.#at, this.#at + 6)) && this.#at !== begin)
        this.#fail('<?xml …?> stands elsewhere than at the very start', 'take out what is before it');
      this.#upTo('?>', 'a processing instruction');
    } else if (this.#is('<!'))
      this.#fail(
        'it has a document type, which vmnet does not read',
        'take <!DOCTYPE …> out, and write what its entities stand for',
      );
    else if (this.#is('</')) this.#endTag();
    else this.#startTag();
  }

  #words(): void {
    const next = this.#text.indexOf('<', this.#at);
    const end = next < 0 ? this.#text.length : next;
    const words = this.#text.slice(this.#at, end);
    if (this.#open.length === 0) {
      const stray = words.search(/[^ \t\r\n]/);
      if (stray >= 0) this.#stray(this.#at + stray);
    }
    this.#references(words, this.#at);
    this.#at = end;
  }

  #stray(offset: number): never {
    if (this.#root === null)
      this.#fail(
        'text stands where its root element should begin',
        `${A_DOMAIN}; or take that text out`,
        offset,
      );
    this.#fail('text stands behind its root element', 'take it out', offset);
  }

  #comment(): void {
    const start = this.#at;
    const dashes = this.#text.indexOf('--', start + 4);
    if (dashes < 0) this.#fail('a comment is not closed', 'end it with -->');
    if (this.#text[dashes + 2] !== '>')
      this.#fail('a comment has "--" in it', 'write one dash, or end it with -->', dashes);
    this.#at = dashes + 3;
  }

  #endTag(): void {
    const start = this.#at;
    this.#at += 2;
    const name = this.#name();
    this.#space();
    if (this.#text[this.#at] !== '>') this.#fail('an end tag is not closed', 'end it with ">"', start);
    this.#at++;
    const element = this.#open.pop();
    if (element === undefined)
      this.#fail(`</${shown(name)}> closes nothing`, 'take it out, or add its start tag', start);
    if (element.name !== name)
      this.#fail(
        `</${shown(name)}> stands where <${shown(element.name)}> has to be closed`,
        'close elements in the reverse order of their start',
        start,
      );
    element.innerEnd = start;
    element.end = this.#at;
  }

  #startTag(): void {
    const start = this.#at;
    this.#at++;
    const name = this.#name();
    if (this.#open.length === 0 && this.#root !== null)
      this.#fail(`<${shown(name)}> is a second root element`, 'leave one of them', start);
    const attributes = this.#attributes();
    const isEmpty = this.#text[this.#at] === '/';
    if (isEmpty) this.#at++;
    if (this.#text[this.#at] !== '>')
      this.#fail(
        `the tag <${shown(name)} …> is not well-formed`,
        'write attributes as name="value", and end the tag with ">"',
      );
    this.#at++;
    const here = this.#at;
    const element: Open = {
      name,
      attributes,
      start,
      inner: here,
      innerEnd: here,
      end: here,
      isEmpty,
      children: [],
    };
    this.#open.at(-1)?.children.push(element);
    this.#root ??= element;
    if (!isEmpty) this.#open.push(element);
  }

  #attributes(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    while (this.#space() && NAMED.test(this.#text[this.#at] ?? '')) {
      const start = this.#at;
      const name = this.#name();
      this.#space();
      if (this.#text[this.#at] !== '=')
        this.#fail(`the attribute ${quote(name)} has no value`, `write ${shown(name)}="…"`, start);
      this.#at++;
      this.#space();
      const value = this.#match(VALUE);
      if (value === '')
        this.#fail(
          `the value of the attribute ${quote(name)} is not in quotes, or has a "<" in it`,
          `write ${shown(name)}="…", with &lt; for "<"`,
        );
      this.#references(value, this.#at - value.length);
      if (found.has(name))
        this.#fail(`the attribute ${quote(name)} is there twice`, 'leave one of them', start);
      found.set(name, value.slice(1, -1));
    }
    return found;
  }

  #references(words: string, offset: number): void {
    for (const found of words.matchAll(REFERENCE)) {
      if (found[0] !== '&') continue;
      const entity = /^&([\w.:-]{1,40});/.exec(words.slice(found.index, found.index + 44))?.[1];
      if (entity === undefined) this.#fail('an "&" stands alone', 'write &amp;', offset + found.index);
      this.#fail(
        `the entity &${shown(entity)}; is not known without a document type`,
        'write what it stands for',
        offset + found.index,
      );
    }
  }

  #upTo(end: string, what: string): void {
    const found = this.#text.indexOf(end, this.#at);
    if (found < 0) this.#fail(`${what} is not closed`, `end it with ${end}`);
    this.#at = found + end.length;
  }

  #name(): string {
    const name = this.#match(NAME);
    if (name === '')
      this.#fail('a "<" is followed by no name', 'write &lt; where no tag begins', this.#at - 1);
    return name;
  }

  /** Whether there was any. */
  #space(): boolean {
    return this.#match(SPACE) !== '';
  }

  #is(start: string): boolean {
    return this.#text.startsWith(start, this.#at);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #fail(message: string, fix: string, offset = this.#at): never {
    const before = this.#text.slice(0, offset).split(/\r\n|\n|\r/);
    throw new Unread({ line: before.length, message, fix });
  }
}

const NAMED = /[\p{L}_:]/u;

/** A name as it stands, but not too much of it. */
const shown = (name: string) => (name.length > 60 ? `${name.slice(0, 60)}…` : name);
