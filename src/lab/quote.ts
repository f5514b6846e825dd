/** Lab files may come from anyone: nothing in them reaches a terminal unescaped. */

const LONGEST = 60;

/** Anything but letters, digits, punctuation, symbols and the plain space: control, format and bidi characters, odd spaces. */
const UNSAFE = /[^ \p{L}\p{N}\p{P}\p{S}]/gu;

/** `U+0430`, the way people look a character up. */
export const codePoint = (char: string) =>
  `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** The text with every unsafe character as `\u{…}`. */
export const printable = (text: string) =>
  text.replace(UNSAFE, char => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);

/** The text in double quotes, printable, and not too long. */
export function quote(text: string, longest = LONGEST): string {
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return `"${printable(short.replace(/["\\]/g, '\\$&'))}"`;
}

/** A path in double quotes, printable; whole, as its end matters most. */
export const quotePath = (path: string) => quote(path, 4096);

/** What a JSON value is, in a few words: `"abc"`, `12`, `a list`. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    return 'a number too large to hold';
  if (typeof value !== 'object' || value === null) return String(value);
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an empty object' : `an object with ${listed(keys)}`;
}

/** `"a", "b", "c" and 4 more` */
export function listed(names: readonly string[], most = 8): string {
  const shown = names
    .slice(0, most)
    .map(name => quote(name))
    .join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
