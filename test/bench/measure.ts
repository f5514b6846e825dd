import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inSandbox, SANDBOX_ENV } from '../../src/sandbox/sandbox.js';
import type { Box } from '../support/box.js';
import { ROUNDS } from './report.js';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const TIMED = fileURLToPath(new URL('timed.mjs', import.meta.url));

export type Command = readonly string[];

/** Stages by name, in the order in which they are run; each is some commands, timed together. */
export type Way = Readonly<Record<string, readonly Command[]>>;

/** Milliseconds of each round, by stage. */
export type Times = Readonly<Record<string, readonly number[]>>;

export const vmnet = (...words: string[]): Command => [process.execPath, CLI, '--quiet', ...words];

/** What a program written for Node cannot do without. */
export const BARE_NODE: Command = [process.execPath, '-e', '0'];

export interface MeasureOptions {
  readonly rounds?: number;
  /** Whether a round that does not count goes before the first. */
  readonly warmUp?: boolean;
}

/**
 * Run ways in turn, so that what else the machine does falls on each of them; the clock runs inside the sandbox. A round
 * before the first warms the caches, unless they are known to be warm.
 */
export async function measure<K extends string>(
  box: Box,
  ways: Record<K, Way>,
  { rounds = ROUNDS, warmUp = true }: MeasureOptions = {},
): Promise<Record<K, Times>> {
  const found = Object.entries<Way>(ways).map(([name, way]) => ({ name, way, all: [] as number[][] }));
  for (let round = warmUp ? 0 : 1; round <= rounds; round++) {
    for (const { way, all } of found) {
      const ms: number[] = JSON.parse(await inBox(box, way));
      if (round > 0) all.push(ms);
    }
  }
  return Object.fromEntries(
    found.map(({ name, way, all }) => [
      name,
      Object.fromEntries(Object.keys(way).map((stage, i) => [stage, all.map(ms => ms[i] ?? 0)])),
    ]),
  ) as unknown as Record<K, Times>;
}

async function inBox(box: Box, way: Way): Promise<string> {
  const [file = '', ...args] = inSandbox(box.sandbox, 'host', [process.execPath, TIMED]);
  const env = { ...process.env, ...SANDBOX_ENV };
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  child.stdin.end(JSON.stringify(Object.values(way)));
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return text;
}

export interface Row {
  readonly [column: string]: string | number;
}

/** A row of what a way took, against the median of its floor. */
export const row = (names: Row, ms: readonly number[], floor: readonly number[]): Row => ({
  ...names,
  'median, ms': Math.round(median(ms)),
  min: Math.round(Math.min(...ms)),
  max: Math.round(Math.max(...ms)),
  'times the floor': ratio(ms, floor),
});

/** How many times the median of others a median is. */
export const ratio = (ms: readonly number[], others: readonly number[]): number =>
  rounded(median(ms) / median(others));

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (i: number) => sorted[i] ?? Number.NaN;
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? at(half) : (at(half - 1) + at(half)) / 2;
}

/** The exponent by which milliseconds grow with size, by least squares over logarithms: 1 is a line through zero. */
export function exponent(points: readonly (readonly [size: number, ms: number])[]): number {
  const logs = points.map(([size, ms]) => [Math.log(size), Math.log(ms)] as const);
  const mean = (of: (log: readonly [number, number]) => number) =>
    logs.reduce((sum, log) => sum + of(log), 0) / logs.length;
  const [x0, y0] = [mean(([x]) => x), mean(([, y]) => y)];
  return rounded(mean(([x, y]) => (x - x0) * (y - y0)) / mean(([x]) => (x - x0) ** 2));
}

/** Medians by what was done, as sizes grow. */
export class Growth {
  readonly #points = new Map<string, (readonly [size: number, ms: number])[]>();

  /** @param from the smallest size that counts: what is fixed hides how time grows where a lab is small */
  constructor(private readonly from: number) {}

  add(what: string, size: number, ms: readonly number[]): void {
    if (size >= this.from) this.#points.set(what, [...(this.#points.get(what) ?? []), [size, median(ms)]]);
  }

  /** The exponent of one; null where there are fewer than two sizes. */
  of(what: string): number | null {
    const points = this.#points.get(what) ?? [];
    return points.length > 1 ? exponent(points) : null;
  }

  /** One row each for all that have an exponent. */
  rows(): Row[] {
    return [...this.#points].flatMap(([what, points]) => {
      const found = this.of(what);
      const [from, to] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
      return found === null ? [] : [{ what, from, to, exponent: found }];
    });
  }
}

export const rounded = (value: number) => Math.round(value * 100) / 100;
