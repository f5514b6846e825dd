import { codePoint, quote } from '../quote.js';

/** What a kind of name allows. */
export interface NameKind {
  readonly what: string;
  /** Characters beside letters, digits, `_` and `-`. */
  readonly extra: '' | '.';
  readonly longest: number;
  readonly example: string;
}

export interface Fault {
  readonly message: string;
  readonly fix: string;
}

/** Letters of other scripts that look like the ASCII letter at the same place. */
const LOOKS = {
  from: 'аеорсухіјѕԁһԛԝАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧονıℓ‐‑‒–—−',
  to: 'aeopcyxijsdhqwABEKMHOPCTXIJSABEZHIKMNOPTYXovil------',
} as const;

/** Why this is no such name, or null if it is one. Only the first fault: the fix names a form without any. */
export function nameFault(name: string, kind: NameKind): Fault | null {
  const why = reason(name, kind);
  return why === null
    ? null
    : {
        message: `the ${kind.what} ${quote(name)} ${why}`,
        fix: `use ${rule(kind)}, such as ${quote(tidy(name, kind))}`,
      };
}

const rule = ({ extra, longest }: NameKind) =>
  `1 to ${longest} ASCII letters, digits, "_"${extra === '.' ? ', "."' : ''} or "-", first a letter or digit`;

function reason(name: string, kind: NameKind): string | null {
  if (name === '') return 'is empty';
  const bad = Array.from(name).find(char => !isAllowed(char, kind));
  if (bad !== undefined) return `has ${describeChar(bad)} in it`;
  if (!/^[A-Za-z0-9]/.test(name)) return `begins with "${name.charAt(0)}"`;
  return name.length > kind.longest
    ? `is ${name.length} bytes long, more than the ${kind.longest} allowed`
    : null;
}

const isAllowed = (char: string, { extra }: NameKind) => /^[A-Za-z0-9_-]$/.test(char) || char === extra;

function describeChar(char: string): string {
  const twin = lookAlike(char);
  if (twin !== null) return `the character ${codePoint(char)}, which only looks like "${twin}",`;
  if (char === ' ') return 'a space';
  if (char === '\n' || char === '\r') return `a line break (${codePoint(char)})`;
  return /^[\x21-\x7e]$/.test(char) ? `the character ${quote(char)}` : `the character ${codePoint(char)}`;
}

/** The ASCII character that people would take this one for; full-width and styled letters decompose to theirs. */
function lookAlike(char: string): string | null {
  const known = Array.from(LOOKS.from).indexOf(char);
  if (known >= 0) return LOOKS.to.charAt(known);
  const plain = char.normalize('NFKD').replace(/\p{M}/gu, '');
  return plain !== char && /^[A-Za-z0-9._-]$/.test(plain) ? plain : null;
}

/** The nearest name that is allowed. */
function tidy(name: string, kind: NameKind): string {
  const ascii = Array.from(name.slice(0, 200), char =>
    isAllowed(char, kind) ? char : (lookAlike(char) ?? '-'),
  ).join('');
  const trimmed = ascii.replace(/-{2,}/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return trimmed.slice(0, kind.longest).replace(/[^A-Za-z0-9]+$/, '') || kind.example;
}
