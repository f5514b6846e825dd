import type { RawLab } from '../file.js';
import type { Dhcp } from '../model.js';
import { defaultDomain } from '../names.js';
import { isServedByDefault } from '../served.js';
import { timeSeconds } from '../units.js';
import { plainAddress } from './address.js';

type RawBridge = NonNullable<RawLab['bridges']>[string];

export const LEASE_SECONDS = 3600;

/** What is served on a bridge, or null. */
export function buildDhcp(lab: string, raw: RawBridge): Dhcp | null {
  const wanted = raw.dhcp ?? isServedByDefault(raw);
  if (wanted === false) return null;
  const { range, leaseTime, dns, domain } = wanted === true ? {} : wanted;
  const [first, last] = (range ?? []).map(plainAddress);
  return {
    range: first === undefined || last === undefined ? null : [first, last],
    leaseSeconds: timeSeconds(leaseTime ?? '') ?? LEASE_SECONDS,
    dns: (dns ?? []).map(plainAddress),
    domain: domain ?? defaultDomain(lab),
  };
}
