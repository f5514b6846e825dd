import type { HostState } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import type { Lab } from '../lab/model.js';
import { type PlanOptions, planProvision } from '../plan/plan.js';
import type { Context } from './command.js';

export interface ObserveFlags extends PlanOptions {
  readonly networkOnly?: boolean;
}

/** Look at the host for a lab. Where libvirt cannot be reached, a lab that does not fit this host is the first thing to say. */
export async function observeFor(lab: Lab, flags: ObserveFlags, { drivers }: Context): Promise<HostState> {
  try {
    return await observeHost(drivers, lab, { networkOnly: flags.networkOnly ?? false });
  } catch (error) {
    if (!flags.networkOnly)
      planProvision(lab, await observeHost(drivers, lab, { networkOnly: true }), null, flags);
    throw error;
  }
}
