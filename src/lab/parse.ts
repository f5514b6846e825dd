import { dirname, resolve } from 'node:path';
import { buildLab } from './build.js';
import { expand } from './expand.js';
import type { RawLab } from './file.js';
import type { Lab } from './model.js';
import type { Problem } from './problem.js';
import type { FileCheck } from './rules/boot.js';
import type { FileRead } from './rules/cloud-init.js';
import { checkOwnCards } from './rules/own-cards.js';
import { checkRules } from './rules.js';
import { checkShape } from './shape.js';
import { Source } from './source.js';
import { parseJson } from './syntax.js';

/** A lab, or every problem of its file in the order of the file. */
export interface ParsedLab {
  readonly lab: Lab | null;
  readonly problems: readonly Problem[];
}

/** How files that a lab names are looked at; what is left out is not looked at. */
export interface LookAtFiles {
  readonly checkFile?: FileCheck;
  readonly readFile?: FileRead;
}

/** The text of a lab file to a lab. Pure but for looking at images, kernels and user data that the lab names. */
export function parseLab(text: string, file: string, { checkFile, readFile }: LookAtFiles = {}): ParsedLab {
  const json = text.replace(/^\uFEFF/, '');
  const source = new Source(json);
  const value = parseJson(json, source);
  if (value === undefined) return { lab: null, problems: source.sorted() };
  const loose = checkShape(value, source);
  const expanded = loose === null ? null : expand(loose, source.report);
  const read = onceEach(readFile ?? (() => null));
  const files = { folder: dirname(resolve(file)), check: checkFile ?? (() => null), read };
  if (expanded !== null) checkRules(expanded.lab, files, expanded.report);
  if (source.problems.length > 0) return { lab: null, problems: source.sorted() };
  // Without a problem of shape, nothing is missing that the type says is there.
  const raw = expanded?.lab as RawLab;
  const lab = buildLab(raw, file, path => textOf(read(path)));
  checkOwnCards(lab, bootPath(raw), expanded?.report ?? source.report);
  return source.problems.length > 0 ? { lab: null, problems: source.sorted() } : { lab, problems: [] };
}

const bootPath = (raw: RawLab) => (vm: string) => [
  ...('boot' in (raw.vms?.[vm] ?? {}) ? ['vms', vm] : ['defaults', 'vm']),
  'boot',
  'domainXml',
];

const textOf = (found: ReturnType<FileRead>) => (found !== null && 'text' in found ? found.text : null);

/** What was checked is what is used, although the file may change meanwhile. */
function onceEach(read: FileRead): FileRead {
  const known = new Map<string, ReturnType<FileRead>>();
  return path => {
    const found = known.has(path) ? (known.get(path) ?? null) : read(path);
    known.set(path, found);
    return found;
  };
}
