import type { Answer } from './box.js';

/** A path check, as `--json` has it. */
export interface Path {
  readonly vm: string;
  readonly nic: number;
  readonly verdict: string;
  readonly reason: string | null;
  readonly hint: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
  readonly evidence: any;
}

export const pathsOf = (answer: Answer): Path[] =>
  answer.json.checks.filter((check: { name: string }) => check.name === 'path');
