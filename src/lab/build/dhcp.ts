import type { RawLab } from '../file.js';
import type { BridgeMode, Dhcp } from '../model.js';
import { defaultDomain } from '../names.js';
import { timeSeconds } from '../units.js';
import { plainAddress } from './address.js';

type RawDhcp = RawLab['bridges'][string]['dhcp'];

export const LEASE_SECONDS = 3600;

/** What is served on a bridge, or null. */
export function buildDhcp(lab: string, mode: BridgeMode, raw: RawDhcp): Dhcp | null {
  const wanted = raw ?? mode === 'nat';
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
