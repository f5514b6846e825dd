import { observeLibvirt } from '../host/libvirt.js';
import type { HostState } from '../host/model.js';
import { isAlive } from '../plan/guest.js';
import type { Context } from './command.js';

/** Who has a tap open: a running domain, by name, or a process that libvirt does not know (null). */
export interface Holder {
  readonly domain: string | null;
}

/**
 * Who holds each tap, by the tap's name; a tap with a carrier is open. Domains that vmnet did not define are asked for as
 * well, since a network plane may be there for them.
 */
export async function holdersOf(host: HostState, { drivers }: Context): Promise<ReadonlyMap<string, Holder>> {
  const open = host.links.filter(link => link.kind === 'tun' && link.carrier);
  if (open.length === 0) return new Map();
  // Without libvirt there are no domains to be told.
  const libvirt = host.libvirt ?? (await observeLibvirt(drivers).catch(() => null));
  const users = new Map(
    (libvirt?.domains ?? [])
      .filter(isAlive)
      .flatMap(({ name, nics }) => nics.flatMap(({ target }) => (target ? [[target, name] as const] : []))),
  );
  return new Map(open.map(({ name }) => [name, { domain: users.get(name) ?? null }]));
}

export const holderText = (holder: Holder | null) =>
  holder === null ? '-' : holder.domain === null ? 'a process' : `domain ${holder.domain}`;
