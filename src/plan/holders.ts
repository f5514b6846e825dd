import type { DomainState, HostState, Link } from '../host/model.js';
import { isAlive } from './guest.js';

/**
 * Who has each tap open, by the tap's name; a tap with a carrier is open. null: a process that libvirt does not know, or
 * was not asked about.
 */
export function holdersOf(host: HostState): ReadonlyMap<string, DomainState | null> {
  const domains = host.libvirt?.domains ?? host.tapDomains ?? [];
  const users = new Map(
    domains
      .filter(isAlive)
      .flatMap(domain => domain.nics.flatMap(({ target }) => (target ? [[target, domain] as const] : []))),
  );
  const open = host.links.filter(({ kind, carrier }) => kind === 'tun' && carrier);
  return new Map(open.map(({ name }) => [name, users.get(name) ?? null]));
}

/** A tap of ours that a guest of somebody else has open. */
export interface Lent {
  readonly tap: string;
  /** Name of the domain. */
  readonly domain: string;
}

/** Those of a lab's taps that domains have open which the lab neither made nor gave NICs to. */
export function lentOf(taps: readonly Link[], lab: string, host: HostState): Lent[] {
  const holders = holdersOf(host);
  const existing = host.records.find(({ name }) => name === lab)?.existing ?? {};
  return taps.flatMap(({ name }) => {
    const domain = holders.get(name);
    return domain && domain.mark?.lab !== lab && !Object.hasOwn(existing, domain.uuid)
      ? [{ tap: name, domain: domain.name }]
      : [];
  });
}
