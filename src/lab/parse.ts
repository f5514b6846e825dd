import { dirname, resolve } from 'node:path';
import { buildLab } from './build.js';
import { expand } from './expand.js';
import type { RawLab } from './file.js';
import type { Lab } from './model.js';
import type { Problem } from './problem.js';
import type { FileCheck } from './rules/boot.js';
import { checkRules } from './rules.js';
import { checkShape } from './shape.js';
import { Source } from './source.js';
import { parseJson } from './syntax.js';

/** A lab, or every problem of its file in the order of the file. */
export interface ParsedLab {
  readonly lab: Lab | null;
  readonly problems: readonly Problem[];
}

/** The text of a lab file to a lab. Pure but for `checkFile`, which looks at the images and kernels that the lab names. */
export function parseLab(
  text: string,
  file: string,
  { checkFile }: { checkFile?: FileCheck } = {},
): ParsedLab {
  const json = text.replace(/^\uFEFF/, '');
  const source = new Source(json);
  const value = parseJson(json, source);
  if (value === undefined) return { lab: null, problems: source.sorted() };
  const loose = checkShape(value, source);
  const expanded = loose === null ? null : expand(loose, source.report);
  if (expanded !== null)
    checkRules(expanded.lab, dirname(resolve(file)), expanded.report, checkFile ?? (() => null));
  if (source.problems.length > 0) return { lab: null, problems: source.sorted() };
  // Without a problem of shape, nothing is missing that the type says is there.
  return { lab: buildLab(expanded?.lab as RawLab, file), problems: [] };
}
