import { createRequire } from 'node:module';
import type { Document, YAMLMap } from 'yaml';

/** What is wrong with user data, and where in it: line and column from 1, null where no place can be named. */
export interface UserDataFault {
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
  readonly fix: string;
}

/** What vmnet adds to user data. */
export interface Additions {
  readonly hostname: string;
  readonly sshKeys: readonly string[];
}

const HEADER = '#cloud-config';

/** Loaded by the first user data that is YAML: most labs have none. */
const yaml = (): typeof import('yaml') => createRequire(import.meta.url)('yaml');

/** Every fault of a user's text, the first first; none of them quotes it, since it may hold secrets. */
export function userDataFaults(text: string): UserDataFault[] {
  if (text.startsWith('#!')) return [];
  if (firstLine(text) !== HEADER)
    return [
      {
        line: 1,
        column: 1,
        message: `it begins neither with "${HEADER}" nor with "#!"`,
        fix: `make "${HEADER}" its first line (without spaces) where it is cloud-config, or begin a script with "#!/bin/sh"`,
      },
    ];
  const document = parsed(text);
  return document === null ? [TOO_DEEP] : [...syntaxFaults(document), ...shapeFaults(document, text)];
}

const TOO_DEEP: UserDataFault = {
  line: null,
  column: null,
  message: 'it is nested too deeply to be read',
  fix: 'write it with fewer levels',
};

const firstLine = (text: string) => (text.split('\n', 1)[0] ?? '').trimEnd();

/** cloud-init reads YAML 1.1, in which `yes` is true and 0644 octal. */
function parsed(text: string): Document.Parsed | null {
  try {
    return yaml().parseDocument(text, { version: '1.1', prettyErrors: true, logLevel: 'silent' });
  } catch (error) {
    if (error instanceof RangeError) return null; // the stack
    throw error;
  }
}

/** In our words: the parser's own may quote the text. */
const WORDS: Readonly<Record<string, string>> = {
  BAD_INDENT: 'the indentation is wrong, or a bracket is not closed',
  BAD_DQ_ESCAPE: 'this \\ escape is unknown inside double quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a list or map stands where its key should be; mostly an indentation that is wrong',
  DUPLICATE_KEY: 'this key is there twice',
  MISSING_CHAR: 'a character is missing here, mostly a ":", a quote or a bracket',
  MULTILINE_IMPLICIT_KEY: 'a key is longer than one line; mostly a ":" is missing',
  MULTIPLE_DOCS: 'a second document begins here',
  TAB_AS_INDENT: 'a tab is used for indentation',
  UNEXPECTED_TOKEN: 'this is not expected here',
};

const syntaxFaults = (document: Document.Parsed): UserDataFault[] =>
  document.errors.map(({ code, linePos }) => ({
    line: linePos?.[0].line ?? null,
    column: linePos?.[0].col ?? null,
    message: `it is no YAML: ${WORDS[code] ?? `the parser says ${code}`}`,
    fix: 'correct that line; spaces indent, and each level the same',
  }));

function shapeFaults(document: Document.Parsed, text: string): UserDataFault[] {
  if (document.errors.length > 0) return [];
  const { isMap, isSeq, visit } = yaml();
  const faults: UserDataFault[] = [];
  const tell = (node: unknown, message: string, fix: string) => {
    const start = (node as { range?: [number, number, number] } | null)?.range?.[0];
    const before = start === undefined ? null : text.slice(0, start).split('\n');
    faults.push({
      line: before?.length ?? null,
      column: before === null ? null : (before.at(-1) ?? '').length + 1,
      message,
      fix,
    });
  };
  const { contents } = document;
  if (contents !== null && !isMap(contents) && !isEmpty(contents))
    tell(contents, 'it is no map of keys', 'write keys such as "packages:" at the start of lines');
  if (isMap(contents)) {
    const keys = contents.get('ssh_authorized_keys', true);
    if (keys !== undefined && !isSeq(keys) && !isEmpty(keys))
      tell(keys, '"ssh_authorized_keys" is no list', 'write each key on a line of its own, after "- "');
  }
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined)
        tell(alias, 'an alias has no anchor before it', 'write the anchor (&name) first, or quote the "*"');
    },
  });
  return faults;
}

const isEmpty = (node: unknown) => (node as { value?: unknown } | null)?.value === null;

/** The user's text, which has no faults, with what is ours; what the text says itself comes first. A second time changes nothing. */
export function withAdditions(text: string | null, additions: Additions): string {
  if (text?.startsWith('#!')) return withScript(text, additions);
  const document = parsed(text ?? '');
  if (document === null) throw new Error('user data with faults cannot be merged');
  const { isMap, isSeq } = yaml();
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  const map = document.contents as unknown as YAMLMap;
  if (!map.has('hostname') && !map.has('fqdn')) map.set('hostname', additions.hostname);
  const keys = map.get('ssh_authorized_keys', true);
  const list = isSeq(keys) ? keys : null;
  const known = new Set((list?.toJSON() as unknown[] | undefined) ?? []);
  const missing = additions.sshKeys.filter(key => !known.has(key));
  if (list) for (const key of missing) list.add(document.createNode(key));
  else if (missing.length > 0) map.set('ssh_authorized_keys', document.createNode(missing));
  const merged = document.toString({ lineWidth: 0 });
  return firstLine(merged) === HEADER ? merged : `${HEADER}\n${merged}`;
}

/** Two parts of MIME: cloud-init takes each by its type. */
function withScript(script: string, additions: Additions): string {
  const boundary = 'vmnet-7f3c1d5e9a';
  const part = (type: string, text: string) =>
    `--${boundary}\nContent-Type: text/${type}; charset="utf-8"\nMIME-Version: 1.0\n\n${text.replace(/\n*$/, '\n')}`;
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n`,
    part('cloud-config', withAdditions(null, additions)),
    part('x-shellscript', script),
    `--${boundary}--\n`,
  ].join('');
}

/**
 * The first user that cloud-config names: of `users`, else of `user` or `system_info`; null where the image's own comes
 * first, where none is named, and for what is no cloud-config.
 */
export function loginName(text: string): string | null {
  if (firstLine(text) !== HEADER) return null;
  const document = parsed(text);
  if (document === null || document.errors.length > 0) return null;
  const data = plain(document) as Record<string, unknown> | null;
  const name = (user: unknown): string | null =>
    typeof user === 'string' ? user : (((user ?? {}) as { name?: string }).name ?? null);
  const own =
    name(data?.user) ?? name((data?.system_info as Record<string, unknown> | undefined)?.default_user);
  const first = Array.isArray(data?.users) ? name(data.users[0]) : null;
  const chosen = first === null || first === 'default' ? own : first;
  return typeof chosen === 'string' ? chosen : null;
}

/** null where aliases would make too much of it. */
function plain(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return null;
  }
}
