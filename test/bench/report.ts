import { appendFileSync } from 'node:fs';

/** How often a case repeats what it measures. */
export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

/** The rounds of what takes long. */
export const FEW_ROUNDS = Math.min(ROUNDS, 3);

/** Sizes that a variable of the environment asks for, such as `10,50`, from small to large. */
export const sizesOf = (variable: string, usual: readonly number[]): number[] =>
  (process.env[variable]?.split(',').map(Number) ?? [...usual]).toSorted((a, b) => a - b);

type Row = Readonly<Record<string, string | number>>;

/** What a case found, as the runner prints it. */
export interface CaseResult {
  readonly name: string;
  readonly note: string;
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
}

/** A figure that is aimed at, and what it came to; nothing fails where it is missed. */
export interface Goal {
  readonly goal: string;
  readonly wanted: string;
  readonly found: number | '-';
  readonly met: 'yes' | 'no' | 'not measured';
}

/** A goal for a figure; null where this run had no such case. */
export const atMost = (most: number, unit: string, goal: string, found: number | null): Goal =>
  judged(goal, `≤ ${most} ${unit}`, found, figure => figure <= most);

export const atLeast = (least: number, unit: string, goal: string, found: number | null): Goal =>
  judged(goal, `≥ ${least} ${unit}`, found, figure => figure >= least);

const judged = (
  goal: string,
  wanted: string,
  found: number | null,
  isMet: (found: number) => boolean,
): Goal =>
  found === null
    ? { goal, wanted, found: '-', met: 'not measured' }
    : { goal, wanted, found, met: isMet(found) ? 'yes' : 'no' };

/** Hand a case's result to the runner. */
export function report(
  name: string,
  note: string,
  rows: CaseResult['rows'],
  goals: CaseResult['goals'] = [],
): void {
  const result: CaseResult = { name, note, rows, goals };
  appendFileSync(process.env.BENCH_RESULTS ?? '/dev/stderr', `${JSON.stringify(result)}\n`);
}
