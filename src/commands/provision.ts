import { VmnetError } from '../errors.js';
import { findRecord } from '../host/records.js';
import { requireHost, requireServices } from '../host/require.js';
import { loadLab } from '../lab/load.js';
import type { Lab } from '../lab/model.js';
import type { ProvisionFlags } from './change.js';
import type { Context, Outcome } from './command.js';
import { questionOf } from './confirm.js';
import { rollbackAfter } from './guarded.js';
import { locked, lockedSubnets, locksFor } from './locked.js';
import { isGuestless, observeFor } from './observe.js';
import { recoverFirst } from './recover.js';

/** Bring the host to what the lab says, and prove it. */
export async function provision(file: string, flags: ProvisionFlags, context: Context): Promise<Outcome> {
  const lab = await loadLab(file);
  context.about.lab = lab.name;
  if (flags.dryRun) return (await import('./plan.js')).plan(file, flags, context);
  await requireHost(context.drivers, 'provision');
  return provisionLab(lab, flags, context);
}

/** Bring the network plane of a lab back after a reboot, as it was applied; called by the unit of `vmnet enable`. */
export async function boot(name: string, _flags: object, context: Context): Promise<Outcome> {
  context.about.lab = name;
  await requireHost(context.drivers, 'boot');
  const record = await findRecord(name, context.drivers);
  if (!record) throw new VmnetError('usage', `the lab ${name} is not known here`, `vmnet disable ${name}`);
  // A peer may still be booting itself: that must not keep the guests away from the network.
  return provisionLab(record.lab, { networkOnly: true, yes: true, lenient: true }, context);
}

async function provisionLab(lab: Lab, flags: ProvisionFlags, context: Context): Promise<Outcome> {
  const what = `vmnet provision ${lab.name}`;
  return locked(locksFor(lab.name, lab), what, flags, context, () => provisionLocked(lab, flags, context));
}

async function provisionLocked(lab: Lab, flags: ProvisionFlags, context: Context): Promise<Outcome> {
  await recoverFirst(lab.name, context);
  await requireServices(lab, context.drivers);
  const choosing = await lockedSubnets(lab, `vmnet provision ${lab.name}`, context);
  const recorded = () => choosing?.release();
  try {
    return await lookAndChange(lab, flags, context, recorded);
  } finally {
    recorded();
  }
}

async function lookAndChange(
  lab: Lab,
  flags: ProvisionFlags,
  context: Context,
  recorded: () => void,
): Promise<Outcome> {
  // Without VMs, now or before, nobody need have libvirt.
  const networkOnly = flags.networkOnly === true || (await isGuestless(lab, context.drivers));
  const observe = () => observeFor(lab, { ...flags, networkOnly, networks: !flags.networkOnly }, context);
  const seconds = rollbackAfter(flags.rollbackAfter);
  const question = questionOf(flags.confirm, context);
  // The code of all that follows is read while other programs tell of the host.
  const [host, { change }] = await Promise.all([observe(), import('./change.js')]);
  return change(lab, host, flags, context, { networkOnly, observe, seconds, question, recorded });
}
