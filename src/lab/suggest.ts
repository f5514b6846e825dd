import { listed, quote } from './quote.js';

/** Names longer than this are not compared: no key of ours is, and the work grows with the square. */
const LONGEST = 20;

/** Only so many names are looked at, so that a hostile file costs no more than a large one. */
const MOST = 50;

/** The known name that is nearest to what was written, or null if none is near. */
export function nearest(written: string, known: readonly string[]): string | null {
  if (written.length > LONGEST) return null;
  const limit = Math.max(1, Math.floor(written.length / 3));
  const scored = known
    .slice(0, MOST)
    .map(name => ({ name, distance: distance(written.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return scored[0]?.name ?? null;
}

/** `did you mean "bridge"?`, or else which names there are. */
export function didYouMean(written: string, known: readonly string[], otherwise: string): string {
  const name = nearest(written, known);
  if (name !== null) return `did you mean ${quote(name)}?`;
  return known.length === 0 ? otherwise : `${otherwise} ${listed(known, 20)}`;
}

/** Levenshtein's distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const swap = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
