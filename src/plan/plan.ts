import type { DomainState, HostState, Link } from '../host/model.js';
import type { Session } from '../host/session.js';
import type { Lab, Nic } from '../lab/model.js';
import type { RenderContext } from '../render/domain.js';
import { findAddressClashes } from './addresses.js';
import { adoptedBy } from './adopt.js';
import { planBridges } from './bridge.js';
import { findClashes } from './clashes/clashes.js';
import { keptNotes } from './disks.js';
import { dropNotes, planDocker, removeDocker } from './docker.js';
import { forwardingBefore, forwardingNotes, planForwarding, restoreForwarding } from './forwarding.js';
import { guestFiles, isAlive, planGuests, removeGuests } from './guest.js';
import { linksOf } from './links.js';
import { macvtapNotes, planMacvtaps, removeStrays } from './macvtap.js';
import type { Phase, PhaseName, Plan, Step } from './model.js';
import { brokenEnds, planNamespaces } from './namespace.js';
import { currentRecords, planBridgeNetfilter, restoreBridgeNetfilter } from './netfilter.js';
import { planOvs } from './ovs.js';
import { planOvsPorts } from './ovs-ports.js';
import { removeOvs } from './ovs-remove.js';
import { linuxPart } from './parts.js';
import { isMarkOf, namespacesOf, otherEnd } from './place.js';
import { type PlanProblem, throwProblems } from './problems.js';
import { planQueues } from './queues.js';
import { currentRecord, recordOf } from './record.js';
import { releaseUplinks, removeBridges, removeTaps } from './remove.js';
import { type Endpoints, removeEndpoints } from './remove-namespaces.js';
import { planServices, removeServices } from './services.js';
import { planSubInterfaces, removeSubInterfaces, subInterfaceMarks } from './sub-interface.js';
import { settled } from './subnets.js';
import { planTables, removeTables } from './tables.js';
import { planTaps } from './tap.js';
import { planTuns } from './tun.js';
import { ownerNotes, planUnmanaged, removeUnmanaged } from './unmanaged.js';
import { movesOf, planUplinks } from './uplink.js';
import { unseenMoves } from './uplink-session.js';
import { findLacks, planVlans } from './vlans.js';

export interface PlanOptions {
  /** Restart running guests whose definition changed. */
  readonly restart?: boolean;
  /** Accept what would otherwise be refused as risky. */
  readonly yes?: boolean;
  /** Who provisions: without a terminal, moving what the user came in by takes a yes. */
  readonly session?: Session | null;
}

/**
 * What has to be done so that the host is as the lab says: no I/O, no clock, no randomness.
 * Without `context`, guests are left out (`--network-only`).
 * @throws {VmnetError} `bad-lab` or `conflict`, naming everything that is in the way
 */
export function planProvision(
  asked: Lab,
  host: HostState,
  context: RenderContext | null,
  options: PlanOptions = {},
): Plan {
  const problems: PlanProblem[] = [];
  const lab = settled(asked, host, problems);
  const guests = context
    ? planGuests(lab, host, context, { restart: options.restart ?? false }, problems)
    : { define: [], start: [], notes: [], garbage: [] };
  const linux = linuxPart(lab);
  const mayRemake = (vm: string) => (options.restart ?? false) || !runs(lab, vm, host);
  const leftovers = planLeftovers(lab, host, context, problems);
  const subInterfaces = planSubInterfaces(linux, host, problems);
  const made = (before: HostState) => ({ ...before, links: [...before.links, ...subInterfaces.links] });
  const ready = made(host);
  const broken = new Set(brokenEnds(linux, host).map(({ link }) => link));
  const vlans = planVlans(linux, host, mayRemake, broken);
  findLacks(linux, host, problems);
  // The ways out are those that are left when uplinks which the lab no longer names have their routes back.
  const released = { ...host, routes: leftovers.after.routes };
  const forwarding = forwardingBefore(lab, released);
  const phases = phasesOf({
    remove: leftovers.steps,
    rules: planTables(lab, host, forwarding, problems),
    bridge: [
      ...planUnmanaged(lab, host),
      ...subInterfaces.steps,
      ...planBridges(linux, ready, problems),
      ...planOvs(lab, host, options.yes ?? false, problems),
      ...planBridgeNetfilter(lab, host),
      ...planForwarding(lab, released),
      ...planDocker(lab, host, problems),
    ],
    uplink: [
      ...planUplinks(
        linux,
        ready,
        made(leftovers.after),
        { yes: options.yes ?? false, session: options.session ?? null },
        problems,
      ),
      ...vlans.uplink,
    ],
    taps: [
      ...planTuns(lab, host, problems),
      ...planMacvtaps(lab, host, problems),
      ...planTaps(linux, ready, mayRemake, problems),
      ...vlans.taps,
      ...planOvsPorts(lab, host, problems),
      ...planQueues(linux, host, mayRemake, problems),
    ],
    namespaces: [...planNamespaces(linux, ready, problems), ...vlans.namespaces],
    services: planServices(lab, host, problems),
    domains: guests.define,
    start: guests.start,
  });
  const gone = context ? guestFiles(lab.name, dropped(lab, host), host.disks, context.stateDir) : [];
  findAddressClashes(lab, host, problems);
  findClashes(linux, host, options.yes ?? false, problems);
  if (problems.length === 0 && options.session && !options.yes)
    problems.push(...unseenMoves(lab, host, options.session));
  throwProblems(lab.name, problems);
  return {
    lab: lab.name,
    verb: 'provision',
    phases,
    notes: [
      ...guests.notes,
      ...keptNotes(filesOfDropped(lab, host)),
      ...ownerNotes(lab, host),
      ...forwardingNotes(lab, released),
      ...dropNotes(lab, host),
      ...macvtapNotes(lab),
    ],
    moves: movesOf(linux, host),
    garbage: [...gone, ...guests.garbage],
    record: recordOf(lab, ready, context === null, forwarding),
  };
}

/** The queue of one NIC, and nothing else of the lab. Throws as {@link planProvision} does. */
export function planImpair(lab: Lab, nic: Nic, host: HostState): Plan {
  const problems: PlanProblem[] = [];
  const only = { ...lab, vms: lab.vms.map(vm => ({ ...vm, nics: vm.nics.filter(same(nic)) })) };
  if (!host.links.some(({ altnames }) => altnames.includes(nic.altname)))
    problems.push({
      code: 'conflict',
      message: `the tap ${nic.tap} of ${nic.vm}, NIC ${nic.index}, is not there`,
      fix: 'Bring the lab up first: vmnet provision.',
    });
  const phases = phasesOf({ taps: planQueues(only, host, () => false, problems) });
  throwProblems(lab.name, problems);
  const former = host.records.find(({ name }) => name === lab.name);
  return {
    lab: lab.name,
    verb: 'provision',
    phases,
    notes: [],
    moves: [],
    garbage: [],
    record: former ? { ...former, lab } : null,
  };
}

const same = (nic: Nic) => (other: Nic) => other.altname === nic.altname;

export interface DestroyOptions {
  /** Delete a bridge although ports that vmnet did not make are on it, and a namespace although processes run in it. */
  readonly force?: boolean;
}

/**
 * What has to be done so that nothing of a lab is left and its uplinks are as they were. Needs no lab file:
 * marks and the record tell.
 */
export function planDestroy(
  name: string,
  host: HostState,
  stateDir: string,
  options: DestroyOptions = {},
): Plan {
  const problems: PlanProblem[] = [];
  const why = 'the lab is destroyed';
  const domains = (host.libvirt?.domains ?? []).filter(domain => domain.mark?.lab === name);
  const all = linksOf(host, name);
  const bridges = all.filter(link => link.kind === 'bridge');
  const phases = phasesOf({
    guests: removeGuests(name, domains, stateDir, why),
    taps: [
      ...removeTaps(tapsAmong(all), name, host, why),
      ...removeStrays(currentRecord(name, host)?.lab ?? null, host, why),
    ],
    namespaces: removeEndpoints(
      name,
      {
        veths: all.filter(link => link.kind === 'veth'),
        ends: [],
        namespaces: namespacesOf(host, name),
      },
      host,
      { why, force: options.force ?? false, folder: madeFolder(name, host) },
      problems,
    ),
    services: removeServices(name, host, () => true, why),
    uplink: [
      ...releaseUplinks(name, host, [...bridges, ...adoptedBy(name, host)], () => true).steps,
      ...removeSubInterfaces(
        name,
        all.filter(({ kind }) => kind === 'vlan'),
        why,
      ),
    ],
    bridge: [
      ...removeBridges(name, host, bridges, { staying: [], force: options.force ?? false }, problems),
      ...removeOvs(name, host, ovsOf(name, host), options.force ?? false, 'nothing is left on it', problems),
      ...restoreBridgeNetfilter(name, host),
      ...restoreForwarding(name, host),
      ...removeDocker(name, host),
      ...removeUnmanaged(host),
    ],
    rules: removeTables(name, host),
  });
  throwProblems(name, problems);
  return {
    lab: name,
    verb: 'destroy',
    phases,
    notes: keptNotes(host.disks),
    moves: [],
    garbage: guestFiles(name, domains, host.disks, stateDir),
    record: null,
  };
}

/** Links and domains of ours that the lab no longer has, and uplinks that it no longer names; also the host without them. */
function planLeftovers(
  lab: Lab,
  host: HostState,
  context: RenderContext | null,
  problems: PlanProblem[],
): { steps: Step[]; after: HostState } {
  const why = 'the lab no longer has it';
  const wanted = new Set([
    ...[...linuxPart(lab).bridges, ...lab.tuns].map(link => link.altname),
    ...subInterfaceMarks(lab),
    ...linuxPart(lab).vms.flatMap(vm => vm.nics.map(nic => nic.altname)),
    ...lab.namespaces.flatMap(({ altname, nics }) => [altname, ...nics.map(nic => nic.altname)]),
    ...lab.links.flatMap(({ ends }) => ends.map(end => end.altname)),
  ]);
  const isWanted = (link: Link) => link.altnames.some(altname => wanted.has(altname));
  const all = linksOf(host, lab.name);
  const links = all.filter(link => !isWanted(link));
  const bridges = links.filter(link => link.kind === 'bridge');
  const { bridges: linux } = linuxPart(lab);
  const uplinks = new Set(linux.map(bridge => bridge.uplink));
  const isOvs = (name: string) => lab.bridges.some(bridge => bridge.name === name && bridge.type === 'ovs');
  const goneOvs = ovsOf(lab.name, host).filter(({ name }) => !isOvs(name));
  const masters = [...all.filter(link => link.kind === 'bridge'), ...adoptedBy(lab.name, host)];
  const released = releaseUplinks(lab.name, host, masters, uplink => !uplinks.has(uplink));
  const served = new Set(lab.bridges.filter(({ dhcp }) => dhcp !== null).map(({ name }) => name));
  const steps = [
    ...removeServices(lab.name, host, bridge => !served.has(bridge), 'the lab no longer wants it'),
    ...(context ? removeGuests(lab.name, dropped(lab, host), context.stateDir, why) : []),
    ...removeTaps(tapsAmong(links), lab.name, host, why),
    ...removeEndpoints(
      lab.name,
      leftEndpoints(lab, wanted, host),
      host,
      { why, force: null, folder: false },
      problems,
    ),
    ...released.steps,
    ...removeSubInterfaces(
      lab.name,
      links.filter(({ kind }) => kind === 'vlan'),
      why,
    ),
    ...removeBridges(lab.name, host, bridges, { staying: all.filter(isWanted), force: null }, problems),
    ...removeOvs(lab.name, host, goneOvs, null, why, problems),
  ];
  return { steps, after: released.after };
}

const tapsAmong = (links: readonly Link[]) =>
  links.filter(({ kind }) => kind !== 'bridge' && kind !== 'vlan' && kind !== 'veth');

/** Bridges of Open vSwitch that a lab made. */
const ovsOf = (lab: string, host: HostState) =>
  (host.ovs?.bridges ?? []).filter(bridge => bridge.lab === lab);

/** Namespaces and veths of ours that a lab no longer has, or not so; a link between two namespaces goes by one of its ends. */
function leftEndpoints(lab: Lab, wanted: ReadonlySet<string>, host: HostState): Endpoints {
  const broken = new Set(brokenEnds(lab, host).map(({ link }) => link));
  const isLeft = (link: Link) =>
    broken.has(link) ||
    (link.kind === 'veth' &&
      link.altnames.some(it => isMarkOf(lab.name, it)) &&
      !link.altnames.some(it => wanted.has(it)));
  const all = namespacesOf(host, lab.name);
  const staying = all.filter(({ mark }) => wanted.has(mark ?? ''));
  const veths = host.links.filter(isLeft);
  const left = staying.flatMap(({ name, links }) =>
    links.filter(isLeft).map(link => ({ place: name, link })),
  );
  const gone = new Set(veths);
  const ends = left.filter(end => {
    const other = otherEnd(host, end)?.link;
    if (other && gone.has(other)) return false;
    gone.add(end.link);
    return true;
  });
  return { veths, ends, namespaces: all.filter(it => !staying.includes(it)) };
}

/** Does the folder of namespaces' names go with the last of ours? Where a lab made it, and no other lab has any. */
const madeFolder = (lab: string, host: HostState): boolean =>
  currentRecord(lab, host)?.namespaceFolder === 'made' &&
  !currentRecords(host).some(record => record.name !== lab && record.namespaceFolder === 'made');

/** Domains of ours whose VM the lab no longer has. */
function dropped(lab: Lab, host: HostState): DomainState[] {
  const vms = new Set(lab.vms.map(vm => vm.name));
  return (host.libvirt?.domains ?? []).filter(({ mark }) => mark?.lab === lab.name && !vms.has(mark.vm));
}

const filesOfDropped = (lab: Lab, host: HostState) =>
  dropped(lab, host).flatMap(({ mark }) =>
    host.disks.filter(path => path.includes(`/disks/${lab.name}/${mark?.vm}/`)),
  );

/** Does the VM's guest run now? */
const runs = (lab: Lab, vm: string, host: HostState) =>
  (host.libvirt?.domains ?? []).some(
    domain => domain.mark?.lab === lab.name && domain.mark.vm === vm && isAlive(domain),
  );

const TITLES: Readonly<Record<PhaseName, string>> = {
  guests: 'Guests',
  remove: 'Remove what the lab no longer has',
  rules: 'Rules',
  bridge: 'Bridge',
  uplink: 'Uplink',
  taps: 'Taps',
  namespaces: 'Namespaces and links',
  services: 'DHCP and DNS',
  domains: "Guests' XML",
  start: 'Start',
};

function phasesOf(steps: Partial<Record<PhaseName, readonly Step[]>>): Phase[] {
  return Object.entries(steps)
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => ({ name: name as PhaseName, title: TITLES[name as PhaseName], steps: list }));
}
