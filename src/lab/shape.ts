import type { z } from 'zod';
import { LabFile, labJsonSchema, type RawLab } from './file.js';
import type { Path } from './problem.js';
import { describeValue, quote } from './quote.js';
import type { Source } from './source.js';
import { didYouMean, nearest } from './suggest.js';

/** A lab in which anything may be missing: what is left of a file once the parts of wrong shape are taken out. */
export type Loose<T> = T extends readonly (infer E)[]
  ? (Loose<E> | undefined)[]
  : T extends object
    ? { [K in keyof T]?: Loose<T[K]> | undefined }
    : T;

export type LooseLab = Loose<RawLab>;

type Issue = z.core.$ZodIssue;

/** Reports every key and type that does not fit, takes it out of `value`, and gives the rest to the rules. */
export function checkShape(value: unknown, source: Source): LooseLab | null {
  const result = LabFile.safeParse(value);
  for (const issue of result.error?.issues ?? []) reportIssue(issue, [], value, source);
  return isObject(value) ? (value as LooseLab) : null;
}

function reportIssue(issue: Issue, start: Path, root: unknown, source: Source): void {
  const path: Path = [...start, ...issue.path.map(part => (typeof part === 'number' ? part : String(part)))];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    for (const key of issue.keys) reportUnknown([...path, key], key, known, root, source);
    return;
  }
  const branch = issue.code === 'invalid_union' ? likelyBranch(issue.errors) : null;
  if (branch !== null) for (const inner of branch) reportIssue(inner, path, root, source);
  else reportWrong(path, issue, root, source);
}

function reportUnknown(
  path: Path,
  key: string,
  known: readonly string[],
  root: unknown,
  source: Source,
): void {
  // Of a union, it is a key of another form.
  if (known.includes(key))
    source.report(path, `the key ${quote(key)} does not go with the others here`, 'take it out', 'key');
  else source.report(path, `unknown key ${quote(key)}`, didYouMean(key, known, 'the keys here are'), 'key');
  take(root, path);
}

function reportWrong(path: Path, issue: Issue, root: unknown, source: Source): void {
  const key = path.at(-1);
  if (!source.has(path) && key !== undefined) {
    source.report(path, `${quote(String(key))} is missing`, `add it: ${issue.message}`);
    return;
  }
  const found = valueAt(root, path);
  // Told already: zod also counts the characters of a text that stands in place of a list.
  if (found === undefined && key !== undefined) return;
  const meant = typeof found === 'string' ? nearest(found, valuesOf(issue)) : null;
  const fix = meant === null || meant === found ? `write ${issue.message}` : `did you mean ${quote(meant)}?`;
  source.report(path, `expected ${issue.message}, found ${describeValue(found)}`, fix);
  take(root, path);
}

/** Of a union, the one form that was surely meant: of the right type, with fewer faults than any other. */
function likelyBranch(errors: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const [best, second] = errors
    .filter(issues => !issues.some(isOtherType))
    .sort((a, b) => faults(a) - faults(b));
  if (best === undefined || (second !== undefined && faults(second) === faults(best))) return null;
  return best;
}

const isOtherType = ({ path, code }: Issue) =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');

const faults = (issues: readonly Issue[]) =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);

/** The words that would have been right. */
function valuesOf(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(valuesOf) : [];
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
}

/** Made once: a file may have a wrong key in each of thousands of VMs. */
let schema: SchemaNode | undefined;

/** The keys that the file may have at this place. */
function keysAt(path: Path): string[] {
  schema ??= labJsonSchema() as SchemaNode;
  let nodes = [schema];
  for (const part of path) nodes = nodes.flatMap(node => stepInto(node, part));
  return nodes.flatMap(forms).flatMap(node => Object.keys(node.properties ?? {}));
}

function stepInto(node: SchemaNode, part: string | number): SchemaNode[] {
  return forms(node).flatMap(form => {
    const rest = typeof form.additionalProperties === 'object' ? form.additionalProperties : undefined;
    const next = typeof part === 'number' ? form.items : (form.properties?.[part] ?? rest);
    return next === undefined ? [] : [next];
  });
}

const forms = (node: SchemaNode) => node.anyOf ?? [node];

const isObject = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is at this place of a value; undefined where there is no such place. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<string | number, unknown> | undefined)?.[part],
    root,
  );
}

/** Undefined instead of deleted, so that list positions stay. */
function take(root: unknown, path: Path): void {
  const parent = valueAt(root, path.slice(0, -1));
  const key = path.at(-1);
  if (key === undefined || typeof parent !== 'object' || parent === null) return;
  (parent as Record<string | number, unknown>)[key] = undefined;
}
