import type { Drivers } from '../drivers/drivers.js';

/** MiB. */
export interface FreeMemory {
  /** What the kernel can give away without swapping. */
  readonly available: number;
  readonly swap: number;
}

/** Null where the kernel does not tell. */
export async function readMemory({ files }: Drivers): Promise<FreeMemory | null> {
  return parseMemory((await files.read('/proc/meminfo')) ?? '');
}

/** The text of /proc/meminfo: `MemAvailable:   12345 kB`. */
export function parseMemory(meminfo: string): FreeMemory | null {
  const value = (key: string) => {
    const kiB = new RegExp(`^${key}:\\s*(\\d+) kB`, 'm').exec(meminfo)?.[1];
    return kiB === undefined ? null : Math.floor(Number(kiB) / 1024);
  };
  const available = value('MemAvailable');
  return available === null ? null : { available, swap: value('SwapFree') ?? 0 };
}
