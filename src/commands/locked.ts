import type { Held } from '../drivers/lock.js';
import { isForwarded } from '../lab/has.js';
import type { Lab } from '../lab/model.js';
import type { Context } from './command.js';

export interface LockFlags {
  /** Commander's reading of `--no-wait`. */
  readonly wait?: boolean;
}

/** Locks of a run: the lab, and each bridge and uplink, which another lab may want as well. */
export const locksFor = (name: string, lab: Lab | null): string[] => [
  `lab-${name}`,
  // The switches of the way out are shared by all labs that forward.
  ...(lab?.bridges.some(isForwarded) ? ['forwarding'] : []),
  ...(lab?.bridges ?? []).flatMap(bridge => [
    `bridge-${bridge.name}`,
    ...(bridge.uplink === null ? [] : [`uplink-${bridge.uplink}`]),
  ]),
];

/** Of two runs that choose a subnet, the later one has to see what the earlier one chose: it waits for its record. */
export async function lockedSubnets(
  lab: Lab,
  what: string,
  { drivers, reporter }: Context,
): Promise<Held | null> {
  if (!lab.bridges.some(({ address }) => address.mode === 'auto')) return null;
  return drivers.locks.take(['subnets'], what, holder => reporter.warn(`Waiting for ${holder}…`));
}

/** Do something that no other run may meet half-way; wait for one that is under way, saying so. */
export async function locked<T>(
  names: readonly string[],
  what: string,
  flags: LockFlags,
  { drivers, reporter }: Context,
  work: () => Promise<T>,
): Promise<T> {
  const waits = (holder: string) => reporter.warn(`Waiting for ${holder}…`);
  const held = await drivers.locks.take(names, what, flags.wait === false ? null : waits);
  try {
    return await work();
  } finally {
    held.release();
  }
}
