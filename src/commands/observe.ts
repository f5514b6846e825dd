import type { HostState } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { findRecord } from '../host/records.js';
import type { Lab } from '../lab/model.js';
import { type PlanOptions, planProvision } from '../plan/plan.js';
import type { Context } from './command.js';

export interface ObserveFlags extends PlanOptions {
  readonly networkOnly?: boolean;
  /** See `ObserveOptions`. */
  readonly networks?: boolean;
}

/** Has the lab no VMs, and had none when it was last applied? */
export const isGuestless = async (lab: Lab, drivers: Context['drivers']): Promise<boolean> =>
  lab.vms.length === 0 && (await findRecord(lab.name, drivers))?.networkOnly !== false;

/** What guests are rendered with takes as long to load as libvirt to tell of a hundred domains. Where it fails, rendering says so. */
const loadRenderer = () =>
  void import('../render/domain.js').then(({ warmUp }) => warmUp()).catch(() => undefined);

/** Look at the host for a lab. Where libvirt cannot be reached, a lab that does not fit this host is the first thing to say. */
export async function observeFor(lab: Lab, flags: ObserveFlags, { drivers }: Context): Promise<HostState> {
  try {
    const { networkOnly = false, networks = false } = flags;
    return await observeHost(drivers, lab, { networkOnly, networks, meanwhile: loadRenderer });
  } catch (error) {
    if (!flags.networkOnly)
      planProvision(lab, await observeHost(drivers, lab, { networkOnly: true }), null, flags);
    throw error;
  }
}
