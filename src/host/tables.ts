import type { Drivers } from '../drivers/drivers.js';
import { hasTables } from '../lab/has.js';
import type { Lab } from '../lab/model.js';
import { DIGEST_CHAIN, tableName } from '../lab/names.js';
import { object, string } from './json.js';
import type { LabRecord, TableState } from './model.js';
import { asAppliedAndWanted } from './records.js';

const OURS = tableName('');

/** Tables of all labs: one process, and none where no lab in question has any. */
export async function readTables(
  lab: Lab | null,
  records: readonly LabRecord[],
  { nft }: Drivers,
): Promise<TableState[]> {
  const labs = asAppliedAndWanted(lab, records);
  if (lab !== null && !labs.some(hasTables)) return [];
  const listed = await nft.chains().catch(() => null);
  // Without nft there are none; a lab that wants some is told when they are loaded.
  return listed === null ? [] : parseTables(listed);
}

/** Out of `nft -j list chains`. */
export function parseTables(listed: readonly Record<string, unknown>[]): TableState[] {
  const tables = new Map<string, TableState>();
  for (const entry of listed) {
    const chain = object(entry.chain);
    const [family, name, own] = [chain.family, chain.table, chain.name].map(part => string(part) ?? '');
    if (!family || !name || !own) continue;
    if (!name.startsWith(OURS)) continue;
    const digest = own.startsWith(DIGEST_CHAIN) ? own.slice(DIGEST_CHAIN.length) : null;
    const key = `${family} ${name}`;
    tables.set(key, { family, name, digest: digest ?? tables.get(key)?.digest ?? null });
  }
  return [...tables.values()];
}
