import { fileURLToPath } from 'node:url';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { findRecord } from '../host/records.js';
import { requireHost } from '../host/require.js';
import { ownPart } from '../lab/existing.js';
import type { Lab } from '../lab/model.js';
import { CLI } from '../place.js';
import { UNIT_MARK, unitName, unitText } from '../render/unit.js';
import type { Context, Outcome } from './command.js';
import { resolveName } from './resolve.js';

/** Have the network plane of a provisioned lab come back at each boot, from its record. */
export async function enable(labOrFile: string, _flags: object, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const name = await resolveName(labOrFile);
  context.about.lab = name;
  await requireHost(drivers, 'enable');
  await requireSystemd(drivers);
  const record = await findRecord(name, drivers);
  if (!record) {
    throw new VmnetError(
      'usage',
      `the lab ${name} has not been provisioned on this host, so there is nothing to bring back at boot`,
      'vmnet provision FILE first: what it applied is what comes back.',
    );
  }
  const unit = unitName(name);
  await requireOurs(unit, drivers);
  const cli = fileURLToPath(CLI);
  const text = unitText(record.lab, { command: [process.execPath, cli], stateDir: drivers.stateDir });
  await drivers.systemd.enable(unit, text);
  const guests = record.networkOnly ? [] : ownPart(record.lab).vms;
  const starting = guests.filter(vm => vm.autostart).map(vm => vm.name);
  reporter.print(
    [
      `${name}: bridges, uplinks and taps come back at each boot, before libvirt starts guests (${unit})`,
      ...(starting.length > 0 ? [`libvirt then starts ${starting.join(', ')} ("autostart")`] : []),
      ...(guests.length > 0 && starting.length === 0
        ? ['Guests that are to start as well: give them "autostart": true, and provision once more']
        : []),
    ].join('\n'),
  );
  return { lab: name, more: { unit } };
}

/** No longer. What is up stays up. */
export async function disable(labOrFile: string, _flags: object, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const name = await resolveName(labOrFile);
  context.about.lab = name;
  await requireHost(drivers, 'disable');
  await requireSystemd(drivers);
  await requireOurs(unitName(name), drivers);
  const was = await disableUnit(name, drivers);
  reporter.print(
    was ? `${name}: does not come back at boot any more` : `${name}: was not to come back at boot`,
  );
  return { lab: name, more: { was } };
}

/** Is there a unit of ours for a lab? Asked only where systemd is in charge: a sandbox sees the same files. */
export async function isEnabled(lab: string, { kernel, systemd }: Drivers): Promise<boolean> {
  return (await kernel.hasSystemd()) && ((await systemd.read(unitName(lab)))?.startsWith(UNIT_MARK) ?? false);
}

/** Remove the unit of a lab, if there is one; a destroyed lab must not come back. */
export async function disableUnit(lab: string, drivers: Drivers): Promise<boolean> {
  const is = await isEnabled(lab, drivers);
  if (is) await drivers.systemd.disable(unitName(lab));
  return is;
}

async function requireSystemd({ kernel }: Drivers): Promise<void> {
  if (await kernel.hasSystemd()) return;
  throw new VmnetError(
    'missing-tool',
    'this host is not run by systemd, or this is not its network namespace, so nothing can be started at boot',
    'Have your own boot scripts run: vmnet provision --network-only --yes FILE',
  );
}

async function requireOurs(unit: string, { systemd }: Drivers): Promise<void> {
  const text = await systemd.read(unit);
  if (text === null || text.startsWith(UNIT_MARK)) return;
  throw new VmnetError(
    'conflict',
    `there is a unit ${unit} that vmnet did not make`,
    `See systemctl cat ${unit}; move it away, and try again.`,
  );
}

/** What a lab with guests that start with the host still lacks for that; it is no fault of the lab. */
export async function autostartNotes(lab: Lab, { drivers }: Pick<Context, 'drivers'>): Promise<string[]> {
  const starting = lab.vms.filter(vm => vm.autostart).map(vm => vm.name);
  if (starting.length === 0 || (await isEnabled(lab.name, drivers))) return [];
  const why = `at boot the taps of ${starting.join(', ')} are not there before "vmnet enable" has them made, so libvirt cannot start ${starting.length === 1 ? 'it' : 'them'}`;
  return [`${why}: vmnet enable ${lab.name}`];
}
