import { GUARDS } from '../file/port.js';
import type { RawLab } from '../file.js';
import type { Impair, Nic } from '../model.js';
import { bitsPerSecond, microseconds, millionths } from '../units.js';

type RawNic = NonNullable<RawLab['vms']>[string]['nics'][number];
export type RawImpair = NonNullable<RawNic['impair']>;

/** The rules on a NIC's port. */
export const buildPort = (
  raw: RawNic,
): Pick<Nic, 'isolated' | 'antiSpoof' | 'guard' | 'bandwidth' | 'impair'> => ({
  isolated: raw.isolated ?? false,
  antiSpoof: raw.antiSpoof ?? 'off',
  guard: GUARDS.filter(kind => raw.guard?.includes(kind)),
  bandwidth: { in: rateOf(raw.bandwidth?.in), out: rateOf(raw.bandwidth?.out) },
  impair: raw.impair === undefined ? null : buildImpair(raw.impair),
});

/** null where nothing is impaired. */
export function buildImpair(raw: RawImpair): Impair | null {
  const impair = {
    delay: microseconds(raw.delay ?? '') ?? 0,
    jitter: microseconds(raw.jitter ?? '') ?? 0,
    loss: millionths(raw.loss ?? '') ?? 0,
    corrupt: millionths(raw.corrupt ?? '') ?? 0,
    reorder: millionths(raw.reorder ?? '') ?? 0,
    rate: rateOf(raw.rate),
  };
  return Object.values(impair).every(value => !value) ? null : impair;
}

const rateOf = (text: string | undefined) => (text === undefined ? null : bitsPerSecond(text));
