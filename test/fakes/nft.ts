import type { TableState } from '../../src/host/model.js';

/** As much of nft as loading and deleting tables of ours takes: what is in them is only told by their digest. */
export function loadTables(tables: Map<string, TableState>, script: string): void {
  let current: string | null = null;
  for (const line of script.split('\n')) {
    const [, verb, family = '', name = ''] = /^(add table|delete table|table) (\S+) (\S+)/.exec(line) ?? [];
    const key = `${family} ${name}`;
    if (verb === 'delete table' && !tables.delete(key)) throw new Error(`there is no table ${key}`);
    if (verb === 'add table' && !tables.has(key)) tables.set(key, { family, name, digest: null });
    if (verb === 'table') {
      tables.set(key, { family, name, digest: null });
      current = key;
    }
    const digest = /^ {2}chain digest_([0-9a-f]+) /.exec(line)?.[1];
    const table = current === null ? undefined : tables.get(current);
    if (current !== null && table && digest) tables.set(current, { ...table, digest });
  }
}
