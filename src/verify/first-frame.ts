/** One frame, seen at two places. */
export interface FirstFrame {
  /** What it was, such as `ICMP echo reply`. */
  readonly what: string;
  /** Bytes on the wire. */
  readonly length: number;
  /** Microseconds since 1970, at the guest's device. */
  readonly atUs: number;
  /** Where the same frame left, and how many microseconds later; null where it was not seen to leave. */
  readonly left: { readonly port: string; readonly afterUs: number } | null;
}
