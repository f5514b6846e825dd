import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import { number, object, objects, string } from '../host/json.js';
import { DROPS, type Drop, dropSet } from '../lab/drops.js';
import { tableName } from '../lab/names.js';

/** Frames that were dropped at a port, by what was wrong with them; since the rules were last loaded. */
export type Drops = Partial<Record<Drop, number>>;

/** By the name of the tap; one process. */
export async function readDrops(lab: string, { nft }: Drivers): Promise<Map<string, Drops>> {
  return dropsIn(await nft.sets(), lab);
}

export function dropsIn(sets: readonly IpJson[], lab: string): Map<string, Drops> {
  const kinds = new Map((Object.keys(DROPS) as Drop[]).map(kind => [dropSet(kind), kind]));
  const found = new Map<string, Drops>();
  for (const { set, value, packets } of elementsOf(sets, tableName(lab))) {
    const kind = kinds.get(set);
    if (kind) found.set(value, { ...found.get(value), [kind]: packets });
  }
  return found;
}

/** Elements with counters of a table of family bridge. */
export const elementsOf = (sets: readonly IpJson[], table: string) =>
  sets.flatMap(entry => {
    const set = object(entry.set);
    if (set.family !== 'bridge' || set.table !== table) return [];
    return objects(set.elem).flatMap(({ elem }) => {
      const { val, counter } = object(elem);
      const packets = number(object(counter).packets);
      return typeof val === 'string' && packets !== null
        ? [{ set: string(set.name) ?? '', value: val, packets }]
        : [];
    });
  });
