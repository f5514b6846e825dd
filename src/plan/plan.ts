import type { DomainState, HostState, Link } from '../host/model.js';
import type { Session } from '../host/session.js';
import type { Lab } from '../lab/model.js';
import type { RenderContext } from '../render/domain.js';
import { findAddressClashes } from './addresses.js';
import { adoptedBy } from './adopt.js';
import { planBridges } from './bridge.js';
import { findClashes } from './clashes/clashes.js';
import { guestFiles, isAlive, planGuests, removeGuests } from './guest.js';
import { linksOf } from './links.js';
import type { Phase, PhaseName, Plan, Step } from './model.js';
import { planBridgeNetfilter, restoreBridgeNetfilter } from './netfilter.js';
import { planOvs } from './ovs.js';
import { planOvsPorts } from './ovs-ports.js';
import { removeOvs } from './ovs-remove.js';
import { linuxPart } from './parts.js';
import { type PlanProblem, throwProblems } from './problems.js';
import { recordOf } from './record.js';
import { releaseUplinks, removeBridges, removeTaps } from './remove.js';
import { planSubInterfaces, removeSubInterfaces, subInterfaceMarks } from './sub-interface.js';
import { planTaps } from './tap.js';
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
  lab: Lab,
  host: HostState,
  context: RenderContext | null,
  options: PlanOptions = {},
): Plan {
  const problems: PlanProblem[] = [];
  const guests = context
    ? planGuests(lab, host, context, { restart: options.restart ?? false }, problems)
    : { define: [], start: [], notes: [] };
  const linux = linuxPart(lab);
  const mayRemake = (vm: string) => (options.restart ?? false) || !runs(lab, vm, host);
  const leftovers = planLeftovers(lab, host, context, problems);
  const subInterfaces = planSubInterfaces(linux, host, problems);
  const made = (before: HostState) => ({ ...before, links: [...before.links, ...subInterfaces.links] });
  const ready = made(host);
  const vlans = planVlans(linux, host, mayRemake);
  findLacks(linux, host, problems);
  const phases = phasesOf({
    remove: leftovers.steps,
    bridge: [
      ...planUnmanaged(lab, host),
      ...subInterfaces.steps,
      ...planBridges(linux, ready, problems),
      ...planOvs(lab, host, options.yes ?? false, problems),
      ...planBridgeNetfilter(lab, host),
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
      ...planTaps(linux, ready, mayRemake, problems),
      ...vlans.taps,
      ...planOvsPorts(lab, host, problems),
    ],
    domains: guests.define,
    start: guests.start,
  });
  const gone = context ? guestFiles(lab.name, dropped(lab, host), context.stateDir) : [];
  findAddressClashes(lab, host, problems);
  findClashes(linux, host, options.yes ?? false, problems);
  if (problems.length === 0 && options.session && !options.yes)
    problems.push(...unseenMoves(lab, host, options.session));
  throwProblems(lab.name, problems);
  return {
    lab: lab.name,
    verb: 'provision',
    phases,
    notes: [...guests.notes, ...ownerNotes(lab, host)],
    moves: movesOf(linux, host),
    garbage: gone,
    record: recordOf(lab, ready, context === null),
  };
}

export interface DestroyOptions {
  /** Delete a bridge although ports that vmnet did not make are on it. */
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
    taps: removeTaps(tapsAmong(all), name, host, why),
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
      ...removeUnmanaged(host),
    ],
  });
  throwProblems(name, problems);
  return {
    lab: name,
    verb: 'destroy',
    phases,
    notes: [],
    moves: [],
    garbage: guestFiles(name, domains, stateDir),
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
    ...linuxPart(lab).bridges.map(bridge => bridge.altname),
    ...subInterfaceMarks(lab),
    ...linuxPart(lab).vms.flatMap(vm => vm.nics.map(nic => nic.altname)),
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
  const steps = [
    ...(context ? removeGuests(lab.name, dropped(lab, host), context.stateDir, why) : []),
    ...removeTaps(tapsAmong(links), lab.name, host, why),
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
  links.filter(({ kind }) => kind !== 'bridge' && kind !== 'vlan');

/** Bridges of Open vSwitch that a lab made. */
const ovsOf = (lab: string, host: HostState) =>
  (host.ovs?.bridges ?? []).filter(bridge => bridge.lab === lab);

/** Domains of ours whose VM the lab no longer has. */
function dropped(lab: Lab, host: HostState): DomainState[] {
  const vms = new Set(lab.vms.map(vm => vm.name));
  return (host.libvirt?.domains ?? []).filter(({ mark }) => mark?.lab === lab.name && !vms.has(mark.vm));
}

/** Does the VM's guest run now? */
const runs = (lab: Lab, vm: string, host: HostState) =>
  (host.libvirt?.domains ?? []).some(
    domain => domain.mark?.lab === lab.name && domain.mark.vm === vm && isAlive(domain),
  );

const TITLES: Readonly<Record<PhaseName, string>> = {
  guests: 'Guests',
  remove: 'Remove what the lab no longer has',
  bridge: 'Bridge',
  uplink: 'Uplink',
  taps: 'Taps',
  domains: "Guests' XML",
  start: 'Start',
};

function phasesOf(steps: Partial<Record<PhaseName, readonly Step[]>>): Phase[] {
  return Object.entries(steps)
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => ({ name: name as PhaseName, title: TITLES[name as PhaseName], steps: list }));
}
