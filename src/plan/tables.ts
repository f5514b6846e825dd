import { createHash } from 'node:crypto';
import type { HostState, LabRecord, TableState } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { DIGEST_CHAIN, tableName } from '../lab/names.js';
import type { Step, Table } from './model.js';
import { modeTables } from './modes.js';
import { findUnspeakable, portTables } from './port-rules.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';

/** One for each family of tables. */
const PARTS: readonly ((lab: Lab, host: HostState, forwarding: LabRecord['forwarding']) => Table[])[] = [
  modeTables, // inet
  portTables, // bridge
];

/** Every table that a lab needs. */
const tablesOf = (lab: Lab, host: HostState, forwarding: LabRecord['forwarding']): Table[] =>
  PARTS.flatMap(part => part(lab, host, forwarding));

/**
 * Rules as the lab wants them, in one transaction.
 * @param forwarding as the lab's record will have it
 */
export function planTables(
  lab: Lab,
  host: HostState,
  forwarding: LabRecord['forwarding'],
  problems: PlanProblem[],
): Step[] {
  findUnspeakable(lab, host, problems);
  const wanted = tablesOf(lab, host, forwarding);
  const families = new Set([...wanted, ...present(lab.name, host)].map(({ family }) => family));
  const changed = [...families].filter(
    family => digestOf(of(wanted, family)) !== of(present(lab.name, host), family)?.digest,
  );
  if (changed.length === 0) return [];
  const former = formerTables(lab.name, host);
  return [
    {
      title: `load the rules of ${lab.name} into nftables`,
      why:
        present(lab.name, host).length > 0
          ? 'those that are there are others'
          : 'the lab needs them, and the host has none',
      do: [
        {
          kind: 'nft',
          script: changed.map(family => replace(lab.name, family, of(wanted, family))).join(''),
        },
      ],
      undo: [
        {
          kind: 'nft',
          script: changed.map(family => replace(lab.name, family, of(former, family))).join(''),
        },
      ],
    },
  ];
}

/** Are the rules on ports that are loaded those that the lab wants? */
export function areLoaded(lab: Lab, host: HostState): boolean {
  const [wanted] = portTables(lab, host);
  return of(present(lab.name, host), 'bridge')?.digest === digestOf(wanted);
}

/** Last of all: until then, what is to be kept apart is. */
export function removeTables(lab: string, host: HostState): Step[] {
  const families = present(lab, host).map(({ family }) => family);
  if (families.length === 0) return [];
  const former = formerTables(lab, host);
  return [
    {
      title: `take the rules of ${lab} out of nftables`,
      why: 'nothing is left that needs them',
      do: [{ kind: 'nft', script: families.map(family => replace(lab, family, undefined)).join('') }],
      undo: [
        { kind: 'nft', script: families.map(family => replace(lab, family, of(former, family))).join('') },
      ],
    },
  ];
}

/** Tables of this lab that are there. */
const present = (lab: string, host: HostState): TableState[] =>
  host.tables.filter(({ name }) => name === tableName(lab));

/** As the lab was last applied; empty where nothing tells. */
function formerTables(lab: string, host: HostState): Table[] {
  const record = currentRecord(lab, host);
  return record ? tablesOf(record.lab, host, record.forwarding) : [];
}

const of = <T extends { family: string }>(tables: readonly T[], family: string): T | undefined =>
  tables.find(table => table.family === family);

/** Harmless where there is none: a table is added before it is deleted. */
function replace(lab: string, family: string, table: Table | undefined): string {
  const name = `${family} ${tableName(lab)}`;
  const body = table && [...table.body, `chain ${DIGEST_CHAIN}${digestOf(table)} { }`];
  return [
    `add table ${name}`,
    `delete table ${name}`,
    ...(body ? [`table ${name} {`, ...body.map(line => `  ${line}`), '}'] : []),
    '',
  ].join('\n');
}

const digestOf = (table: Table | undefined): string | undefined =>
  table && createHash('sha256').update(table.body.join('\n')).digest('hex').slice(0, 16);
