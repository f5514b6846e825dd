import type { HostState } from '../host/model.js';
import { holdersOf } from '../plan/holders.js';

/** Who has a tap open: a running domain, by name, or a process that libvirt does not know (null). */
export interface Holder {
  readonly domain: string | null;
}

/**
 * Who holds each tap, by the tap's name. Domains that vmnet did not define are among them, since a network plane may be
 * there for them.
 */
export const namedHolders = (host: HostState): ReadonlyMap<string, Holder> =>
  new Map([...holdersOf(host)].map(([tap, domain]) => [tap, { domain: domain?.name ?? null }]));

export const holderText = (holder: Holder | null) =>
  holder === null ? '-' : holder.domain === null ? 'a process' : `domain ${holder.domain}`;
