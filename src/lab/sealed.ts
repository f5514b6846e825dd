import { createHash } from 'node:crypto';

/**
 * A text that may hold secrets: only {@link open} gives it out. What is written down or printed of it, by whatever
 * way, is its digest.
 */
export class Sealed {
  /** First 16 hex digits of the SHA-256. */
  readonly digest: string;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  }

  open(): string {
    return this.#text;
  }
}
