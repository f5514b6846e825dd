import type { Vlan } from '../model.js';

/** As the file may say it once its rules were kept: `access` alone, or `trunk` with or without `native`. */
export interface RawVlan {
  readonly access?: number | undefined;
  readonly trunk?: readonly number[] | undefined;
  readonly native?: number | undefined;
}

/** Sorted and each once, so that it can be compared with what the host says. */
export function buildVlan(raw: RawVlan | undefined): Vlan | null {
  if (raw === undefined) return null;
  if (raw.access !== undefined) return { access: raw.access };
  return { trunk: [...new Set(raw.trunk ?? [])].sort((a, b) => a - b), native: raw.native ?? null };
}
