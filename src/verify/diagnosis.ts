import type { Drivers } from '../drivers/drivers.js';
import type { Filter, TcFilter } from '../host/filters.js';
import { readFilters, readTcFilters } from '../host/read-filters.js';

/** What could have stopped a frame: looked at only where one was stopped. */
export interface Diagnosis {
  readonly filters: readonly Filter[];
  readonly tc: readonly TcFilter[];
}

export const NO_DIAGNOSIS: Diagnosis = { filters: [], tc: [] };

/** @param devices taps and uplinks of the NICs in trouble, such as exist */
export async function diagnose(devices: readonly string[], drivers: Drivers): Promise<Diagnosis> {
  const [filters, tc] = await Promise.all([
    readFilters(drivers),
    readTcFilters([...new Set(devices)], drivers),
  ]);
  return { filters: filters.filter(({ where }) => !where.includes('vmnet_proof_')), tc };
}

/** The chains at a hook, as one phrase; empty where none could have dropped. */
export function culprits(
  { filters }: Diagnosis,
  families: readonly Filter['family'][],
  hook: string,
  device?: string,
): string {
  return filters
    .filter(filter => families.includes(filter.family) && filter.hook === hook)
    .filter(({ devices }) => device === undefined || devices.length === 0 || devices.includes(device))
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
