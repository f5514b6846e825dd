import { Handle, type Kind } from './table.js';

// koffi takes a number for a string's address, wraps integers that are too large and ends a string at its first NUL.
// Each of these is a crash or a wrong request, so nothing reaches it unchecked.

const integer = (low: number, high: number) => (value: unknown) =>
  typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
    ? null
    : `an integer from ${low} to ${high}`;

const string = (value: unknown) => {
  if (typeof value !== 'string') return 'a string';
  return value.includes('\0') ? 'a string without a NUL character' : null;
};

const handle = (kind: string) => (value: unknown) => {
  if (!(value instanceof Handle) || value.kind !== kind) return `a ${kind} handle`;
  return value.address === null ? `a ${kind} handle that is not freed yet` : null;
};

const outArray = (value: unknown) => (Array.isArray(value) && value.length === 0 ? null : 'an empty array');

const address = (what: string) => (value: unknown) =>
  typeof value === 'bigint' && value > 0n ? null : `the address of ${what}`;

const UUID_STRING_BUFLEN = 37;

/** For each kind: what the value should have been, or null if it is fine. */
const EXPECTED: Readonly<Record<Kind, (value: unknown) => string | null>> = {
  void: () => 'nothing',
  error: () => 'nothing',
  text: () => 'nothing',
  conn: handle('conn'),
  domain: handle('domain'),
  network: handle('network'),
  interface: handle('interface'),
  int: integer(-0x80000000, 0x7fffffff),
  uint: integer(0, 0xffffffff),
  str: string,
  'str?': value => (value === null ? null : string(value)),
  uuid: value =>
    value instanceof Uint8Array && value.length >= UUID_STRING_BUFLEN
      ? null
      : `a buffer of at least ${UUID_STRING_BUFLEN} bytes`,
  'int*': outArray,
  'ulong*': outArray,
  domains: outArray,
  networks: outArray,
  interfaces: outArray,
  'stats*': outArray,
  stats: address('a list'),
  null: value => (value === null ? null : 'null'),
  handler: address('a C function'),
};

/** Throws a TypeError that names the function and the argument; never quotes the value, which may be a password. */
export function checkArguments(name: string, kinds: readonly Kind[], args: readonly unknown[]): void {
  if (args.length !== kinds.length) {
    throw new TypeError(`${name} takes ${kinds.length} arguments, not ${args.length}`);
  }
  for (const [index, kind] of kinds.entries()) {
    const expected = EXPECTED[kind](args[index]);
    if (expected !== null) throw new TypeError(`${name}: argument ${index + 1} must be ${expected}`);
  }
}
