import type { HostState } from '../host/model.js';
import type { Session } from '../host/session.js';
import { isExisting, ownPart } from '../lab/existing.js';
import type { Lab, Nic } from '../lab/model.js';
import type { RenderContext } from '../render/domain.js';
import { findAddressClashes } from './addresses.js';
import { planBridges } from './bridge.js';
import { findClashes } from './clashes/clashes.js';
import { findMemoryClashes } from './clashes/memory.js';
import { keptNotes } from './disks.js';
import { dropNotes, planDocker } from './docker.js';
import { holdsNics, NO_EXISTING, planExisting } from './existing.js';
import { forwardingBefore, forwardingNotes, planForwarding } from './forwarding.js';
import { isAlive, planGuests } from './guest.js';
import { dropped, filesOfDropped, planLeftovers } from './leftovers.js';
import { libvirtUserProblems } from './libvirt-user.js';
import { macvtapNotes, planMacvtaps } from './macvtap.js';
import type { Plan } from './model.js';
import { brokenEnds, planNamespaces } from './namespace.js';
import { planBridgeNetfilter } from './netfilter.js';
import { planOvs } from './ovs.js';
import { planOvsPorts } from './ovs-ports.js';
import { linuxPart } from './parts.js';
import { phasesOf } from './phases.js';
import { type PlanProblem, throwProblems } from './problems.js';
import { planQueues } from './queues.js';
import { recordOf } from './record.js';
import { guestFiles } from './remove-guests.js';
import { planServices } from './services.js';
import { planSubInterfaces } from './sub-interface.js';
import { settled } from './subnets.js';
import { planTables } from './tables.js';
import { planTaps } from './tap.js';
import { planTuns } from './tun.js';
import { ownerNotes, planUnmanaged } from './unmanaged.js';
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
  const problems: PlanProblem[] = libvirtUserProblems(asked, host);
  const lab = settled(asked, host, problems);
  const guests = context
    ? planGuests(ownPart(lab), host, context, { restart: options.restart ?? false }, problems)
    : { unplug: [], define: [], start: [], free: [], notes: [], garbage: [] };
  const existing = context ? planExisting(lab, host, context, problems) : NO_EXISTING;
  const linux = linuxPart(lab);
  const free = new Set(guests.free);
  const mayRemake = ({ vm, altname }: Nic) =>
    (options.restart ?? false) || free.has(altname) || !runs(lab, vm, host, context);
  const leftovers = planLeftovers(lab, host, context, problems);
  const subInterfaces = planSubInterfaces(linux, host, problems);
  const made = (before: HostState) => ({ ...before, links: [...before.links, ...subInterfaces.links] });
  const ready = made(host);
  const broken = new Set(brokenEnds(linux, host).map(({ link }) => link));
  const vlans = planVlans(linux, host, mayRemake, broken);
  findLacks(linux, host, problems);
  // The ways out are those that are left when uplinks which the lab no longer names have their routes back.
  const released = { ...host, routes: leftovers.after.routes, sysctls: leftovers.after.sysctls };
  const forwarding = forwardingBefore(lab, released);
  const phases = phasesOf({
    remove: [...guests.unplug, ...existing.remove, ...leftovers.steps],
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
    domains: [...guests.define, ...existing.attach],
    start: guests.start,
  });
  const gone = context ? guestFiles(lab.name, dropped(lab, host), host.disks, context.stateDir) : [];
  findAddressClashes(lab, host, problems);
  findClashes(linux, host, options.yes ?? false, problems);
  if (context && !options.yes) findMemoryClashes(lab, host, problems);
  if (problems.length === 0 && options.session && !options.yes)
    problems.push(...unseenMoves(lab, host, options.session));
  throwProblems(lab.name, problems);
  return {
    lab: lab.name,
    verb: 'provision',
    phases,
    notes: [
      ...guests.notes,
      ...existing.notes,
      ...keptNotes(filesOfDropped(lab, host)),
      ...ownerNotes(lab, host),
      ...forwardingNotes(lab, released),
      ...dropNotes(lab, host),
      ...macvtapNotes(lab),
    ],
    moves: movesOf(linux, host),
    garbage: [...gone, ...guests.garbage],
    record: recordOf(
      lab,
      ready,
      context === null,
      forwarding,
      context ? existing.record : recordedExisting(lab, host),
    ),
  };
}

/** Without libvirt, what is known of domains still holds. */
const recordedExisting = (lab: Lab, host: HostState) =>
  host.records.find(({ name }) => name === lab.name)?.existing;

/** Does the VM's guest run now, with its NICs? */
function runs(lab: Lab, name: string, host: HostState, context: RenderContext | null): boolean {
  const vm = lab.vms.find(it => it.name === name);
  if (vm && isExisting(vm)) return holdsNics(vm, lab, host, context);
  return (host.libvirt?.domains ?? []).some(
    domain => domain.mark?.lab === lab.name && domain.mark.vm === name && isAlive(domain),
  );
}
