import { domainOf } from '../host/existing.js';
import { number, object } from '../host/json.js';
import { parseLink } from '../host/links.js';
import type { HostState, LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { readRecords } from '../host/records.js';
import { isExisting } from '../lab/existing.js';
import { hasTables } from '../lab/has.js';
import type { Lab, Nic, Vm } from '../lab/model.js';
import { macvtapOf } from '../plan/macvtap.js';
import { table } from '../report/table.js';
import { type Drops, readDrops } from '../verify/drops.js';
import { targetsOf } from '../verify/targets.js';
import { addressText, whereAre } from '../where/where.js';
import type { Context, Outcome } from './command.js';
import { holderText, namedHolders } from './holders.js';
import { type LinkStatus, linksStatus, type NamespaceStatus, namespacesStatus, peerText } from './peers.js';
import { afterReboot } from './rebooted.js';
import { resolveLab } from './resolve.js';
import { bridgesOf, bridgeTable, leaseTable } from './status-bridges.js';

/** Show each VM, namespace and link of a lab, or of every provisioned lab: state, ends, MACs, addresses, frames. */
export async function status(
  labOrFile: string | undefined,
  _flags: object,
  context: Context,
): Promise<Outcome> {
  const { drivers, reporter } = context;
  const records = await readRecords(drivers);
  const labs =
    labOrFile === undefined ? records.map(record => record.lab) : [await resolveLab(labOrFile, drivers)];
  // One after the other where they are in the libvirts of several users: each look uses its lab's.
  const several = records.some(({ libvirtUser }) => libvirtUser !== undefined);
  const all = several
    ? await inTurn(labs, lab => statusOf(lab, records, context))
    : await Promise.all(labs.map(lab => statusOf(lab, records, context)));
  const [vms, namespaces, links] = [
    all.flatMap(it => it.vms),
    all.flatMap(it => it.namespaces),
    all.flatMap(it => it.links),
  ];
  const bridges = all.flatMap(it => it.bridges);
  if (labs.length === 0) reporter.print('No lab has been provisioned on this host.');
  else reporter.print([describe(vms, namespaces), ...describeLinks(links)].join('\n\n'));
  const own = bridges.filter(({ addresses, dhcp }) => addresses.length > 0 || dhcp !== null);
  if (own.length > 0) reporter.print(`\n${bridgeTable(own)}`);
  const leases = own.flatMap(bridge => (bridge.dhcp?.leases ?? []).map(lease => ({ bridge, lease })));
  if (leases.length > 0) reporter.print(`\n${leaseTable(leases)}`);
  const shown = records.filter(record => labs.some(lab => lab.name === record.name));
  const rebooted = await afterReboot(shown, context);
  for (const { note } of rebooted) reporter.print(note);
  return {
    lab: labs.length === 1 ? (labs[0]?.name ?? null) : null,
    more: { vms, namespaces, links, bridges, rebooted: rebooted.map(({ lab }) => lab) },
  };
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
const stateOf = (vm: Vm, host: HostState) =>
  (host.libvirt?.domains.find(({ uuid }) => uuid === vm.uuid) ?? domainOf(vm, host))?.state;

type Status = Awaited<ReturnType<typeof statusOf>>;
type VmStatus = Status['vms'][number];

async function statusOf(lab: Lab, records: readonly LabRecord[], context: Context) {
  const { drivers } = context;
  const networkOnly = records.find(record => record.name === lab.name)?.networkOnly ?? false;
  const host = await observeHost(drivers, lab, { networkOnly, whoseTaps: lab.name });
  const links = await drivers.ip.links({ stats: true });
  const found = await whereAre(lab, drivers, { networkOnly, links });
  const counters = new Map(links.map(json => [parseLink(json).name, frames(json)]));
  const drops = hasTables(lab) ? await readDrops(lab.name, drivers).catch(() => NO_DROPS) : NO_DROPS;
  const holders = namedHolders(host);
  const targets = new Map(targetsOf(lab, host).map(target => [target.nic, target]));
  const none = { received: 0, sent: 0 };
  const vms = lab.vms.map(vm => ({
    lab: lab.name,
    name: vm.name,
    domain: domainOf(vm, host)?.name ?? vm.domain,
    existing: isExisting(vm),
    state: networkOnly ? 'network only' : (stateOf(vm, host) ?? 'not defined'),
    nics: vm.nics.map(nic => {
      const target = targets.get(nic);
      const tap = target?.tap ?? macvtapOf(nic, host)?.name ?? nic.tap;
      const seen = counters.get(tap);
      const where = found.find(it => it.mac === nic.mac);
      return {
        tap,
        mac: nic.mac,
        bridge: target?.bridge ?? nic.bridge ?? hangsOn(nic),
        address: nic.addresses[0] ?? null,
        addresses: where?.addresses ?? [],
        note: where?.note ?? null,
        present: counters.has(tap),
        // What a tap receives its guest has sent; a macvtap's device sends it itself.
        received: (nic.macvtap ? seen?.sent : seen?.received) ?? 0,
        sent: (nic.macvtap ? seen?.received : seen?.sent) ?? 0,
        // A tap's other end is a process: that of the guest.
        peer: holders.get(tap) ?? null,
        isolated: nic.isolated,
        antiSpoof: nic.antiSpoof,
        guard: nic.guard,
        bandwidth: nic.bandwidth,
        impair: nic.impair,
        dropped: drops.get(tap) ?? {},
      };
    }),
  }));
  return {
    vms,
    namespaces: namespacesStatus(lab, host, (_, name) => counters.get(name) ?? none),
    links: linksStatus(lab, host),
    bridges: await bridgesOf(lab, host, drivers),
  };
}

/** Without nft there are no rules, and no counters. */
const NO_DROPS: ReadonlyMap<string, Drops> = new Map();
const hangsOn = ({ macvtap }: Nic) => (macvtap ? `${macvtap.uplink} (macvtap, ${macvtap.mode})` : '-');

/** A tap receives what its guest sends. */
function frames(json: Readonly<Record<string, unknown>>) {
  const stats = object(json.stats64);
  return { received: number(object(stats.rx).packets) ?? 0, sent: number(object(stats.tx).packets) ?? 0 };
}

function describe(vms: readonly VmStatus[], namespaces: readonly NamespaceStatus[]): string {
  const guests = vms.flatMap(vm =>
    vm.nics.map((nic, i) => [
      i === 0 ? vm.lab : '',
      i === 0 ? vm.name : '',
      i === 0 ? vm.state : '',
      nic.present ? nic.tap : `${nic.tap} (missing)`,
      holderText(nic.peer),
      nic.mac,
      nic.bridge,
      addressText(nic),
      nic.received,
      nic.sent,
      shown(nic.dropped),
    ]),
  );
  const inner = namespaces.flatMap(namespace =>
    (namespace.nics.length > 0 ? namespace.nics : [null]).map((nic, i) => [
      i === 0 ? namespace.lab : '',
      i === 0 ? namespace.name : '',
      i === 0 ? namespace.state : '',
      ...(nic === null
        ? ['-', '-', '-', '-', '-', '-', '-', '-']
        : [
            nic.present ? nic.tap : `${nic.tap} (missing)`,
            peerText(nic.peer),
            nic.mac,
            nic.bridge,
            nic.addresses.join(' ') || '-',
            nic.received,
            nic.sent,
            '-',
          ]),
    ]),
  );
  return table(
    [
      'lab',
      'endpoint',
      'state',
      'tap',
      'other end',
      'MAC',
      'bridge',
      'address',
      'from guest',
      'to guest',
      'dropped',
    ],
    [...guests, ...inner],
  );
}

/** `mac 3, arp 1`; a dash where no rule holds. */
function shown(dropped: Drops): string {
  const all = Object.entries(dropped);
  if (all.length === 0) return '-';
  const some = all.filter(([, count]) => count > 0).map(([kind, count]) => `${kind} ${count}`);
  return some.length > 0 ? some.join(', ') : '0';
}

function describeLinks(links: readonly LinkStatus[]): string[] {
  if (links.length === 0) return [];
  const rows = links.flatMap(({ lab, mtu, ends }, i) =>
    ends.map((end, j) => [
      j === 0 && links[i - 1]?.lab !== lab ? lab : '',
      `${end.namespace}:${end.interface}`,
      end.present ? (end.carrier ? 'up' : end.up ? 'no carrier' : 'down') : 'missing',
      peerText(end.peer),
      end.mac,
      end.addresses.join(' ') || '-',
      j === 0 ? mtu : '',
    ]),
  );
  return [table(['lab', 'link end', 'state', 'other end', 'MAC', 'address', 'MTU'], rows)];
}
