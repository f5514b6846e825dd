import type { DomainState, HostState, Link } from '../host/model.js';
import type { Session } from '../host/session.js';
import type { Lab } from '../lab/model.js';
import type { RenderContext } from '../render/domain.js';
import { findAddressClashes } from './addresses.js';
import { adoptedBy } from './adopt.js';
import { planBridges } from './bridge.js';
import { findClashes } from './clashes/clashes.js';
import { keptNotes } from './disks.js';
import { guestFiles, isAlive, planGuests, removeGuests } from './guest.js';
import { linksOf } from './links.js';
import type { Phase, PhaseName, Plan, Step } from './model.js';
import { planBridgeNetfilter, restoreBridgeNetfilter } from './netfilter.js';
import { type PlanProblem, throwProblems } from './problems.js';
import { recordOf } from './record.js';
import { releaseUplinks, removeBridges, removeTaps } from './remove.js';
import { planTables, removeTables } from './tables.js';
import { planTaps } from './tap.js';
import { ownerNotes, planUnmanaged, removeUnmanaged } from './unmanaged.js';
import { movesOf, planUplinks } from './uplink.js';
import { unseenMoves } from './uplink-session.js';

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
    : { define: [], start: [], notes: [], garbage: [] };
  const leftovers = planLeftovers(lab, host, context, problems);
  const phases = phasesOf({
    remove: leftovers.steps,
    rules: planTables(lab, host),
    bridge: [
      ...planUnmanaged(lab, host),
      ...planBridges(lab, host, problems),
      ...planBridgeNetfilter(lab, host),
    ],
    uplink: planUplinks(
      lab,
      host,
      leftovers.after,
      { yes: options.yes ?? false, session: options.session ?? null },
      problems,
    ),
    taps: planTaps(lab, host, vm => (options.restart ?? false) || !runs(lab, vm, host), problems),
    domains: guests.define,
    start: guests.start,
  });
  const gone = context ? guestFiles(lab.name, dropped(lab, host), host.disks, context.stateDir) : [];
  findAddressClashes(lab, host, problems);
  findClashes(lab, host, options.yes ?? false, problems);
  if (problems.length === 0 && options.session && !options.yes)
    problems.push(...unseenMoves(lab, host, options.session));
  throwProblems(lab.name, problems);
  return {
    lab: lab.name,
    verb: 'provision',
    phases,
    notes: [...guests.notes, ...keptNotes(filesOfDropped(lab, host)), ...ownerNotes(lab, host)],
    moves: movesOf(lab, host),
    garbage: [...gone, ...guests.garbage],
    record: recordOf(lab, host, context === null),
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
  const bridges = linksOf(host, name).filter(link => link.kind === 'bridge');
  const phases = phasesOf({
    guests: removeGuests(name, domains, stateDir, why),
    taps: removeTaps(
      linksOf(host, name).filter(link => link.kind !== 'bridge'),
      name,
      why,
    ),
    uplink: releaseUplinks(name, host, [...bridges, ...adoptedBy(name, host)], () => true).steps,
    bridge: [
      ...removeBridges(name, host, bridges, { staying: [], force: options.force ?? false }, problems),
      ...restoreBridgeNetfilter(name, host),
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
    ...lab.bridges.map(bridge => bridge.altname),
    ...lab.vms.flatMap(vm => vm.nics.map(nic => nic.altname)),
  ]);
  const isWanted = (link: Link) => link.altnames.some(altname => wanted.has(altname));
  const all = linksOf(host, lab.name);
  const links = all.filter(link => !isWanted(link));
  const bridges = links.filter(link => link.kind === 'bridge');
  const uplinks = new Set(lab.bridges.map(bridge => bridge.uplink));
  const masters = [...all.filter(link => link.kind === 'bridge'), ...adoptedBy(lab.name, host)];
  const released = releaseUplinks(lab.name, host, masters, uplink => !uplinks.has(uplink));
  const steps = [
    ...(context ? removeGuests(lab.name, dropped(lab, host), context.stateDir, why) : []),
    ...removeTaps(
      links.filter(link => link.kind !== 'bridge'),
      lab.name,
      why,
    ),
    ...released.steps,
    ...removeBridges(lab.name, host, bridges, { staying: all.filter(isWanted), force: null }, problems),
  ];
  return { steps, after: released.after };
}

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
  domains: "Guests' XML",
  start: 'Start',
};

function phasesOf(steps: Partial<Record<PhaseName, readonly Step[]>>): Phase[] {
  return Object.entries(steps)
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => ({ name: name as PhaseName, title: TITLES[name as PhaseName], steps: list }));
}
