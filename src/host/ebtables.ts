import type { Drivers } from '../drivers/drivers.js';
import { saved } from './legacy-filters.js';
import { printed } from './printed.js';

const TABLES = ['filter', 'nat', 'broute'];

/** The legacy tables of ebtables, as {@link saved} has them. Looking for one makes it, so only what is there is asked for. */
export async function savedEbtables(drivers: Drivers): Promise<string> {
  const modules = await drivers.files.read('/proc/modules');
  const loaded = TABLES.filter(table => modules?.includes(`ebtable_${table} `));
  const listed = loaded.map(async table =>
    saved(table, await printed(drivers, 'ebtables-legacy', '-t', table, '-L')),
  );
  return (await Promise.all(listed)).join('\n');
}
