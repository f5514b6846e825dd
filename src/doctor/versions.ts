/** `1.10.2` is newer than `1.9`: compared number by number; what is missing counts as 0. */
export function isOlder(version: string, least: string): boolean {
  const [a, b] = [version, least].map(text => text.split('.').map(Number));
  for (let i = 0; i < Math.max(a?.length ?? 0, b?.length ?? 0); i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Before its release 5.10 iproute2 told the day of its release instead: `iproute2-ss200127`. */
export const snapshotIn = (text: string): string | null => /\bss(\d{6})\b/.exec(text)?.[1] ?? null;

/** The first dotted number in what a program prints of itself; null where there is none. */
export const versionIn = (text: string): string | null =>
  /(?<![\w.])v?(\d+(?:\.\d+)+)/.exec(text)?.[1] ?? null;
