import type { Node } from 'jsonc-parser';
import {
  escapePointer,
  inFileOrder,
  type Path,
  type Problem,
  pointer,
  type Report,
  where,
} from './problem.js';

/** The text of a lab file, and where each of its values stands: turns "what" and "which path" into problems with lines. */
export class Source {
  readonly problems: Problem[] = [];
  readonly #lineStarts: number[];
  readonly #known = new Set<string>();
  readonly #places = new Map<string, { key: number; value: number }>();

  constructor(text: string) {
    this.#lineStarts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), end => end.index + end[0].length)];
  }

  /** Remembers where a value, and its key, begin. */
  place(path: Path, value: Node, key: Node): void {
    this.#places.set(keyOf(path), { key: key.offset, value: value.offset });
  }

  readonly report: Report = (path, message, fix, at = 'value') => {
    this.reportAt(this.offsetOf(path, at), message, fix, path);
  };

  reportAt(offset: number, message: string, fix: string, path: Path = []): void {
    const { line, column } = this.position(offset);
    const known = `${offset} ${message}`;
    if (this.#known.has(known)) return; // a default that is wrong is wrong for every VM
    this.#known.add(known);
    this.problems.push({ path: pointer(path), where: where(path), line, column, message, fix });
  }

  sorted(): Problem[] {
    return inFileOrder(this.problems);
  }

  /** Of the path, or of the nearest parent that the file has: a missing key is told where it should be. */
  offsetOf(path: Path, at: 'value' | 'key'): number {
    const place = this.#places.get(keyOf(path));
    if (place !== undefined) return place[at];
    return path.length === 0 ? 0 : this.offsetOf(path.slice(0, -1), 'key');
  }

  has(path: Path): boolean {
    return this.#places.has(keyOf(path));
  }

  position(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }
}

/** Unescaped, so that two hostile keys never share a place. */
const keyOf = (path: Path) => path.map(part => `/${escapePointer(String(part))}`).join('');
