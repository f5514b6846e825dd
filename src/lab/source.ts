import { inFileOrder, type Path, type Problem, pointer, type Report, where } from './problem.js';

/** Where a value, and the key that leads to it, begin in the text; and the same for what is inside. */
export interface Place {
  readonly key: number;
  readonly value: number;
  readonly children: Map<string | number, Place>;
}

export const placeAt = (key: number, value: number): Place => ({ key, value, children: new Map() });

/** The text of a lab file, and where each of its values stands: turns "what" and "which path" into problems with lines. */
export class Source {
  readonly problems: Problem[] = [];
  /** Set by the parser: where everything is, which is found out when a problem asks for it. */
  locate: () => Place = () => placeAt(0, 0);
  readonly #text: string;
  readonly #known = new Set<string>();
  #root: Place | undefined;
  #lineStarts: readonly number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  readonly report: Report = (path, message, fix, at = 'value') => {
    this.reportAt(this.offsetOf(path, at), message, fix, path);
  };

  reportAt(offset: number, message: string, fix: string, path: Path = []): void {
    const known = `${offset} ${message}`;
    if (this.#known.has(known)) return; // a default that is wrong is wrong for every VM
    this.#known.add(known);
    const { line, column } = this.position(offset);
    this.problems.push({ path: pointer(path), where: where(path), line, column, message, fix });
  }

  sorted(): Problem[] {
    return inFileOrder(this.problems);
  }

  /** Of the path, or of the key of the nearest parent that the file has: a missing key is told where it should be. */
  offsetOf(path: Path, at: 'value' | 'key'): number {
    let place = this.#place();
    for (const part of path) {
      const next = place.children.get(part);
      if (next === undefined) return place.key;
      place = next;
    }
    return place[at];
  }

  has(path: Path): boolean {
    let place: Place | undefined = this.#place();
    for (const part of path) place = place?.children.get(part);
    return place !== undefined;
  }

  position(offset: number): { line: number; column: number } {
    this.#lineStarts ??= lineStartsOf(this.#text);
    const starts = this.#lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }

  #place(): Place {
    this.#root ??= this.locate();
    return this.#root;
  }
}

const lineStartsOf = (text: string): number[] => [
  0,
  ...Array.from(text.matchAll(/\r\n|\n|\r/g), end => end.index + end[0].length),
];
