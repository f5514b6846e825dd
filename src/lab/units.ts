const MIB = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 } as const;

/** `"512MiB"`, `"1GiB"` or a number of MiB, in MiB; null if it is none of these. */
export function memoryMiB(size: string | number): number | null {
  if (typeof size === 'number') return size;
  const [, digits, unit] = /^([1-9][0-9]*) ?(MiB|GiB|TiB)$/.exec(size) ?? [];
  return digits === undefined ? null : Number(digits) * MIB[unit as keyof typeof MIB];
}

/** The shortest exact way to write a size. */
export function memoryText(mib: number): string {
  if (mib >= MIB.TiB && mib % MIB.TiB === 0) return `${mib / MIB.TiB}TiB`;
  return mib >= MIB.GiB && mib % MIB.GiB === 0 ? `${mib / MIB.GiB}GiB` : `${mib}MiB`;
}

const SECONDS = { m: 60, h: 3600, d: 86_400 } as const;

/** `"90m"`, `"1h"` or `"7d"` in seconds; null if it is none of these. */
export function timeSeconds(time: string): number | null {
  const [, digits, unit] = /^([1-9][0-9]{0,4})([mhd])$/.exec(time) ?? [];
  return digits === undefined ? null : Number(digits) * SECONDS[unit as keyof typeof SECONDS];
}

/** The shortest exact way to write a time of whole minutes. */
export function timeText(seconds: number): string {
  if (seconds % SECONDS.d === 0) return `${seconds / SECONDS.d}d`;
  return seconds % SECONDS.h === 0 ? `${seconds / SECONDS.h}h` : `${seconds / SECONDS.m}m`;
}

const WAITS = { s: 1, m: 60, h: 3600 } as const;

/** `"90s"`, `"5m"`, `"1h"` or a number of seconds, in seconds; null if it is none of these. */
export function waitSeconds(time: string | number): number | null {
  if (typeof time === 'number') return time;
  const [, digits, unit] = /^([1-9][0-9]{0,4})([smh])$/.exec(time) ?? [];
  return digits === undefined ? null : Number(digits) * WAITS[unit as keyof typeof WAITS];
}

const BITS = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 } as const;
const MICROSECONDS = { us: 1, ms: 1e3, s: 1e6 } as const;
const MILLIONTHS = { '%': 1e4 } as const;

/** `"100mbit"` in bits a second; null if it is none. */
export const bitsPerSecond = (text: string) => measured(text, BITS);

/** `"50ms"` in microseconds; null if it is none. */
export const microseconds = (text: string) => measured(text, MICROSECONDS);

/** `"0.5%"` in millionths; null if it is none. */
export const millionths = (text: string) => measured(text, MILLIONTHS);

/** The inverse of each, in the largest unit that says it whole. */
export const rateText = (bits: number) => inUnits(bits, BITS);
export const durationText = (us: number) => inUnits(us, MICROSECONDS);
export const percentText = (ppm: number) => `${ppm / MILLIONTHS['%']}%`;

function measured(text: string, units: Readonly<Record<string, number>>): number | null {
  const [, digits = '', unit = ''] = /^([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([a-z%]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? null : Math.round(Number(digits) * factor);
}

function inUnits(value: number, units: Readonly<Record<string, number>>): string {
  const [unit = '', factor = 1] =
    Object.entries(units).findLast(([, factor]) => value >= factor && value % factor === 0) ??
    Object.entries(units)[0] ??
    [];
  return `${value / factor}${unit}`;
}
