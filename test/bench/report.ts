import { appendFileSync } from 'node:fs';

/** How often a case repeats what it measures. */
export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

/** What a case found, as the runner prints it. */
export interface CaseResult {
  readonly name: string;
  readonly note: string;
  readonly rows: readonly Readonly<Record<string, string | number>>[];
}

/** Hand a case's result to the runner. */
export function report(name: string, note: string, rows: CaseResult['rows']): void {
  const result: CaseResult = { name, note, rows };
  appendFileSync(process.env.BENCH_RESULTS ?? '/dev/stderr', `${JSON.stringify(result)}\n`);
}
