import type { Drivers } from '../drivers/drivers.js';
import type { Filter, TcFilter } from '../host/filters.js';
import { readFilters, readTcFilters } from '../host/read-filters.js';
import { tableName } from '../lab/names.js';
import { FORWARDING } from './forwarding.js';

/** What could have stopped a frame: looked at only where one was stopped. */
export interface Diagnosis {
  readonly filters: readonly Filter[];
  readonly tc: readonly TcFilter[];
  /** The kernel's switches for forwarding, by path below /proc/sys. */
  readonly sysctls: Readonly<Record<string, string>>;
}

export const NO_DIAGNOSIS: Diagnosis = { filters: [], tc: [], sysctls: {} };

/**
 * @param devices taps and uplinks of the NICs in trouble, and what they should have left by, such as exist
 * @param bridges those that the host is to forward from, or not to
 */
export async function diagnose(
  devices: readonly string[],
  bridges: readonly string[],
  drivers: Drivers,
): Promise<Diagnosis> {
  const paths = [...new Set(bridges.flatMap(bridge => FORWARDING.flatMap(({ paths: of }) => of(bridge))))];
  const [filters, tc, values] = await Promise.all([
    readFilters(drivers),
    readTcFilters([...new Set(devices)], drivers),
    Promise.all(paths.map(path => drivers.kernel.readSysctl(path))),
  ]);
  return {
    filters: filters.filter(({ where }) => !where.includes('vmnet_proof_')),
    tc,
    sysctls: Object.fromEntries(paths.flatMap((path, i) => (values[i] == null ? [] : [[path, values[i]]]))),
  };
}

/** The chains at a hook that could have dropped; what tables of labs drop is meant, so they are the last to be thought of. */
export function suspects(
  { filters }: Diagnosis,
  families: readonly Filter['family'][],
  hook: string,
  device?: string,
): readonly Filter[] {
  const all = filters
    .filter(filter => families.includes(filter.family) && filter.hook === hook)
    .filter(({ devices }) => device === undefined || devices.length === 0 || devices.includes(device));
  const others = all.filter(({ where }) => !where.includes(OF_LABS));
  return others.length > 0 ? others : all;
}

const OF_LABS = ` table ${tableName('')}`;

/** The same as one phrase; empty where there are none. */
export function culprits(
  diagnosis: Diagnosis,
  families: readonly Filter['family'][],
  hook: string,
  device?: string,
): string {
  return suspects(diagnosis, families, hook, device)
    .map(({ where, drops }) => `${where} (${drops.slice(0, 2).join('; ')})`)
    .join(', ');
}

/** tc filters and netdev chains of a device, as one phrase. */
export function portFilters(diagnosis: Diagnosis, device: string, side: 'ingress' | 'egress'): string {
  const tc = diagnosis.tc.filter(filter => filter.device === device && filter.side === side);
  return [
    ...tc.map(({ text }) => `tc ${side} of ${device}: ${text}`),
    culprits(diagnosis, ['netdev', 'inet'], side, device),
  ]
    .filter(Boolean)
    .join(', ');
}
