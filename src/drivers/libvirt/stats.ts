import koffi from 'koffi';

// What virConnectGetAllDomainStats gives: for each domain a list of named values (struct virTypedParameter).

const FIELD_LENGTH = 80;

export function declareStats(): void {
  koffi.struct('vmnetTypedParameter', {
    field: koffi.array('char', FIELD_LENGTH, 'String'),
    type: 'int',
    // The union is aligned as its largest member is; an int begins where it does.
    unused: 'int',
    int: 'int',
    rest: 'int',
  });
  koffi.struct('vmnetStatsRecord', { domain: 'void *', parameters: 'void *', count: 'int' });
}

interface RawRecord {
  readonly domain: bigint;
  readonly parameters: bigint | null;
  readonly count: number;
}

export interface StatsRecord {
  /** Of the domain's handle, which is freed with the list. */
  readonly domain: bigint;
  /** By name; only those of type int are told rightly. */
  readonly ints: ReadonlyMap<string, number>;
}

/** Copies of the records of a list. */
export function readStats(list: bigint, count: number): StatsRecord[] {
  if (count === 0) return [];
  return (koffi.decode(list, 'void *', count) as bigint[]).map(address => {
    const { domain, parameters, count } = koffi.decode(address, 'vmnetStatsRecord') as RawRecord;
    const values =
      parameters === null || count === 0
        ? []
        : (koffi.decode(parameters, 'vmnetTypedParameter', count) as { field: string; int: number }[]);
    return { domain, ints: new Map(values.map(({ field, int }) => [field, int])) };
  });
}
