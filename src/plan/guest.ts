import type { DomainState, HostState } from '../host/model.js';
import type { Lab, Vm } from '../lab/model.js';
import { quotePath } from '../lab/quote.js';
import { consolePath, type RenderContext, renderDomain } from '../render/domain.js';
import { autostartStep, both } from './autostart.js';
import { checkDisks, type DiskActions, oldSeeds, planDisks } from './disks.js';
import { planHotplug } from './hotplug.js';
import type { Action, GuestRef, Step } from './model.js';
import { keepsNvram } from './nvram.js';
import { awaitActions, inOrder, reachProblems, type Start } from './order.js';
import type { PlanProblem } from './problems.js';
import { checkVhost } from './vhost.js';

export interface GuestOptions {
  /** Restart running guests whose definition changed. */
  readonly restart: boolean;
}

export interface GuestSteps {
  /** Before taps are removed. */
  readonly unplug: readonly Step[];
  readonly define: readonly Step[];
  readonly start: readonly Step[];
  /** Marks of NICs whose taps no guest has open when their turn comes, although it runs on. */
  readonly free: readonly string[];
  readonly notes: readonly string[];
  /** Files that nothing uses once all went well. */
  readonly garbage: readonly string[];
}

/** A guest that goes on with its former definition has its former seed open, and so has one that is put back. */
const inUse = (path: string, lab: Lab, host: HostState, { restart }: GuestOptions) =>
  !restart &&
  (host.libvirt?.domains ?? []).some(
    domain => domain.mark?.lab === lab.name && isAlive(domain) && path.includes(`/${domain.mark.vm}/`),
  );

const reseeded = (vm: Vm) =>
  `the seed of ${vm.name} is a new one; a guest that cloud-init has set up already reads it only after "cloud-init clean --reboot" in it, or with a new disk`;

/** libvirt's states in which a domain has a running QEMU. */
const ALIVE = ['running', 'blocked', 'paused', 'pmsuspended', 'shutdown'];

export const isAlive = (domain: DomainState) => ALIVE.includes(domain.state);

/** Names of the domains that run. */
export const aliveNames = (host: HostState): ReadonlySet<string> =>
  new Set((host.libvirt?.domains ?? []).filter(isAlive).map(({ name }) => name));

/** Define and start what is missing or differs; the digest in a domain's mark tells. */
export function planGuests(
  lab: Lab,
  host: HostState,
  context: RenderContext,
  options: GuestOptions,
  problems: PlanProblem[],
): GuestSteps {
  const domains = new Map((host.libvirt?.domains ?? []).map(domain => [domain.name, domain]));
  const unplug: Step[] = [];
  const free: string[] = [];
  const define: Step[] = [];
  checkVhost(lab, host, context, problems);
  const plugs: Step[] = [];
  const starts: Start[] = [];
  const running = new Map<string, GuestRef>();
  const notes: string[] = checkDisks(lab, host, context, problems);
  for (const vm of lab.vms) {
    const present = domains.get(vm.domain);
    if (present && (present.mark?.lab !== lab.name || present.mark.vm !== vm.name)) {
      problems.push(foreign(vm, present));
      continue;
    }
    // libvirt keeps a domain's UUID for life.
    const rendered = renderDomain(lab, present ? { ...vm, uuid: present.uuid } : vm, context);
    const ref = { name: vm.domain, uuid: present?.uuid ?? vm.uuid };
    const current = present?.mark?.digest === rendered.digest;
    const outdated =
      present !== undefined && isAlive(present) && present.liveMark?.digest !== rendered.digest;
    const plugging = outdated ? planHotplug(vm, present, rendered, host) : null;
    const hotplug = plugging && 'plug' in plugging ? plugging : null;
    const disks = planDisks(lab, vm, host, context);
    const before = { present, restarted: outdated && hotplug === null && options.restart, disks };
    const boots = autostartStep(lab, vm, ref, present, host);
    // Steps of this phase run side by side, and a domain has to be there first.
    const inOne = boots !== null && !current;
    if (!current || disks.make.length > 0) {
      const step = defineStep(lab, vm, ref, rendered.xml, before, current, context);
      define.push(inOne ? both(step, boots) : step);
    }
    if (boots !== null && !inOne) define.push(boots);
    if (disks.reseeded) notes.push(reseeded(vm));
    if (present && isAlive(present) && !before.restarted)
      running.set(vm.name, guestRef(lab.name, vm.name, ref, context));
    if (present && isAlive(present) && !outdated) continue;
    if (hotplug) {
      unplug.push(...hotplug.pull);
      plugs.push(hotplug.plug);
      free.push(...hotplug.free);
      notes.push(...hotplug.notes);
      continue;
    }
    if (outdated && !options.restart) {
      const why = plugging && 'cannot' in plugging && plugging.cannot ? ` (${plugging.cannot})` : '';
      notes.push(
        `${vm.name} runs with its former definition${why}; repeat with --restart to restart it with the new one`,
      );
      continue;
    }
    problems.push(...reachProblems(lab, vm, host));
    starts.push({ vm, step: startStep(lab, vm, ref, context, outdated, !current) });
  }
  const garbage = oldSeeds(lab, host, context.stateDir).filter(path => !inUse(path, lab, host, options));
  return { unplug, define, start: [...plugs, ...inOrder(lab, starts, running)], free, notes, garbage };
}

/** Where guests' consoles are, and whose they are. */
type Place = Pick<RenderContext, 'stateDir' | 'user'>;

/** As {@link Place} of a host: for who has nothing to render. */
export const placeOn = ({ libvirtUser }: HostState, stateDir: string): Place => ({
  stateDir,
  ...(libvirtUser === undefined ? {} : { user: libvirtUser.uid }),
});

/** @param lab the lab's name @param vm the VM's name, which may be in no lab any more */
export const guestRef = (lab: string, vm: string, ref: Ref, { stateDir, user }: Place): GuestRef => ({
  ...ref,
  console: consolePath(stateDir, lab, vm),
  ...(user === undefined ? {} : { owner: user }),
});

interface Ref {
  readonly name: string;
  readonly uuid: string;
}

function defineStep(
  lab: Lab,
  vm: Vm,
  ref: Ref,
  xml: string,
  { present, restarted, disks }: Before,
  current: boolean,
  context: RenderContext,
): Step {
  const guest = guestRef(lab.name, vm.name, ref, context);
  if (current)
    return {
      title: `mend the files of ${vm.domain}`,
      why: 'they are not as the lab says',
      do: disks.make,
      undo: disks.undo,
    };
  const back: Action[] = present?.xml
    ? [
        { kind: 'define', ...ref, xml: present.xml },
        ...(restarted ? [{ kind: 'start', ...guest } as const] : []),
      ]
    : [undefine(ref, xml, context.stateDir)];
  return {
    title: `define ${vm.domain} (${machineWords(vm)}, ${vm.nics.length} NIC)`,
    why: present ? 'its definition differs from the lab' : 'the lab names it and libvirt has none',
    do: [
      ...disks.make,
      {
        kind: 'define',
        ...ref,
        xml,
        ...(vm.boot.kind === 'domainXml' ? { from: quotePath(vm.boot.file) } : {}),
      },
    ],
    undo: [...back, ...disks.undo],
  };
}

const machineWords = ({ boot, memoryMiB, vcpus }: Vm) =>
  boot.kind === 'domainXml' ? `as ${quotePath(boot.file)} says` : `${memoryMiB} MiB, ${vcpus} vCPU`;

export const undefine = (ref: Ref, xml: string | null, stateDir: string): Action => ({
  kind: 'undefine',
  ...ref,
  ...(keepsNvram(ref.name, xml, stateDir) ? { keepNvram: true } : {}),
});

/** How a domain was before the plan. */
interface Before {
  readonly present: DomainState | undefined;
  /** It runs, and will be restarted: an undo has to start it with its former definition. */
  readonly restarted: boolean;
  readonly disks: DiskActions;
}

/** Start a guest, and wait for it. @param redefined where a define step precedes, whose undo starts the former guest again */
export function startStep(
  lab: Lab,
  vm: Vm,
  ref: Ref,
  place: Place,
  restart: boolean,
  redefined: boolean,
): Step {
  const guest = guestRef(lab.name, vm.name, ref, place);
  const start: Action = { kind: 'start', ...guest };
  const stop: Action = { kind: 'stop', ...ref };
  const launch: Action[] = [start, ...awaitActions(vm, guest)];
  if (!restart) return { title: `start ${vm.domain}`, why: 'it is not running', do: launch, undo: [stop] };
  return {
    title: `restart ${vm.domain}`,
    why: 'it runs with its former definition',
    do: [stop, ...launch],
    undo: redefined ? [stop] : [stop, start],
  };
}

const foreign = (vm: Vm, present: DomainState): PlanProblem => ({
  code: 'conflict',
  message: `the domain ${vm.domain} cannot be defined: libvirt has one of that name, and ${present.mark ? `it belongs to the lab ${present.mark.lab}` : 'it was not made by vmnet'}`,
  fix: `Rename the lab or the VM ${vm.name}, or remove the old domain: virsh undefine ${vm.domain}`,
});
