import { readRecords } from '../host/records.js';
import { table } from '../report/table.js';
import type { Context, Outcome } from './command.js';
import { afterReboot } from './rebooted.js';

/** List the labs that have been provisioned on this host. */
export async function list(_flags: object, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const [records, bootId] = await Promise.all([readRecords(drivers), drivers.kernel.bootId()]);
  const labs = records.map(({ name, lab, ...record }) => ({
    name,
    file: lab.file,
    bridges: lab.bridges.map(bridge => bridge.name),
    vms: lab.vms.map(vm => vm.name),
    namespaces: lab.namespaces.map(namespace => namespace.name),
    links: lab.links.length,
    sinceBoot: record.bootId === bootId,
  }));
  reporter.print(
    labs.length === 0
      ? 'No lab has been provisioned on this host.'
      : table(
          ['lab', 'bridges', 'VMs', 'namespaces', 'links', 'file', 'network'],
          labs.map(lab => [
            lab.name,
            lab.bridges.join(' ') || '-',
            lab.vms.length,
            lab.namespaces.length,
            lab.links,
            lab.file,
            lab.sinceBoot ? 'up' : 'gone with a reboot',
          ]),
        ),
  );
  for (const { note } of await afterReboot(records, context)) reporter.print(note);
  return { more: { labs } };
}
