import { number, object } from '../host/json.js';
import { parseLink } from '../host/links.js';
import type { LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { readRecords } from '../host/records.js';
import type { Lab, Nic } from '../lab/model.js';
import { macvtapOf } from '../plan/macvtap.js';
import { table } from '../report/table.js';
import { targetsOf } from '../verify/targets.js';
import type { Context, Outcome } from './command.js';
import { afterReboot } from './rebooted.js';
import { resolveLab } from './resolve.js';

/** Show each VM of a lab, or of every provisioned lab: state, taps, MACs, addresses, frames. */
export async function status(
  labOrFile: string | undefined,
  _flags: object,
  context: Context,
): Promise<Outcome> {
  const { drivers, reporter } = context;
  const records = await readRecords(drivers);
  const labs =
    labOrFile === undefined ? records.map(record => record.lab) : [await resolveLab(labOrFile, drivers)];
  const vms = (await Promise.all(labs.map(lab => statusOf(lab, records, context)))).flat();
  if (labs.length === 0) reporter.print('No lab has been provisioned on this host.');
  else reporter.print(describe(vms));
  const shown = records.filter(record => labs.some(lab => lab.name === record.name));
  const rebooted = await afterReboot(shown, context);
  for (const { note } of rebooted) reporter.print(note);
  return {
    lab: labs.length === 1 ? (labs[0]?.name ?? null) : null,
    more: { vms, rebooted: rebooted.map(({ lab }) => lab) },
  };
}

type VmStatus = Awaited<ReturnType<typeof statusOf>>[number];

async function statusOf(lab: Lab, records: readonly LabRecord[], { drivers }: Context) {
  const networkOnly = records.find(record => record.name === lab.name)?.networkOnly ?? false;
  const host = await observeHost(drivers, lab, { networkOnly });
  const counters = new Map(
    (await drivers.ip.links({ stats: true })).map(json => [parseLink(json).name, frames(json)]),
  );
  const targets = new Map(targetsOf(lab, host).map(target => [target.nic, target]));
  return lab.vms.map(vm => ({
    lab: lab.name,
    name: vm.name,
    domain: vm.domain,
    state: networkOnly
      ? 'network only'
      : (host.libvirt?.domains.find(({ uuid, name }) => uuid === vm.uuid || name === vm.domain)?.state ??
        'not defined'),
    nics: vm.nics.map(nic => {
      const target = targets.get(nic);
      const tap = target?.tap ?? macvtapOf(nic, host)?.name ?? nic.tap;
      const seen = counters.get(tap);
      return {
        tap,
        mac: nic.mac,
        bridge: target?.bridge ?? nic.bridge ?? hangsOn(nic),
        address: nic.addresses[0] ?? null,
        addresses: nic.addresses,
        present: counters.has(tap),
        // What a tap receives its guest has sent; a macvtap's device sends it itself.
        received: (nic.macvtap ? seen?.sent : seen?.received) ?? 0,
        sent: (nic.macvtap ? seen?.received : seen?.sent) ?? 0,
      };
    }),
  }));
}

const hangsOn = ({ macvtap }: Nic) => (macvtap ? `${macvtap.uplink} (macvtap, ${macvtap.mode})` : '-');

/** A tap receives what its guest sends. */
function frames(json: Readonly<Record<string, unknown>>) {
  const stats = object(json.stats64);
  return { received: number(object(stats.rx).packets) ?? 0, sent: number(object(stats.tx).packets) ?? 0 };
}

function describe(vms: readonly VmStatus[]): string {
  const rows = vms.flatMap(vm =>
    vm.nics.map((nic, i) => [
      i === 0 ? vm.lab : '',
      i === 0 ? vm.name : '',
      i === 0 ? vm.state : '',
      nic.present ? nic.tap : `${nic.tap} (missing)`,
      nic.mac,
      nic.bridge,
      nic.addresses.join(' ') || '-',
      nic.received,
      nic.sent,
    ]),
  );
  return table(['lab', 'VM', 'state', 'tap', 'MAC', 'bridge', 'address', 'from guest', 'to guest'], rows);
}
