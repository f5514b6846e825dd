import type { DomainState, HostState } from '../host/model.js';
import type { Lab, Vm } from '../lab/model.js';
import { consolePath, diskFolder, diskPath, type RenderContext, renderDomain } from '../render/domain.js';
import type { Action, Step } from './model.js';
import type { PlanProblem } from './problems.js';

export interface GuestOptions {
  /** Restart running guests whose definition changed. */
  readonly restart: boolean;
}

export interface GuestSteps {
  readonly define: readonly Step[];
  readonly start: readonly Step[];
  readonly notes: readonly string[];
}

/** libvirt's states in which a domain has a running QEMU. */
const ALIVE = ['running', 'blocked', 'paused', 'pmsuspended', 'shutdown'];

export const isAlive = (domain: DomainState) => ALIVE.includes(domain.state);

/** What the built-in guest prints on its console when it is up. */
const PROBE_UP = 'vmnet-probe: up';

/** Define and start what is missing or differs; the digest in a domain's mark tells. */
export function planGuests(
  lab: Lab,
  host: HostState,
  context: RenderContext,
  options: GuestOptions,
  problems: PlanProblem[],
): GuestSteps {
  const domains = new Map((host.libvirt?.domains ?? []).map(domain => [domain.name, domain]));
  const define: Step[] = [];
  const start: Step[] = [];
  const notes: string[] = [];
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
    const before = { present, restarted: outdated && options.restart, disks: host.disks };
    if (!current) define.push(defineStep(lab, vm, ref, rendered.xml, before, context));
    if (present && isAlive(present) && !outdated) continue;
    if (outdated && !options.restart) {
      notes.push(
        `${vm.name} runs with its former definition; repeat with --restart to restart it with the new one`,
      );
      continue;
    }
    start.push(startStep(lab, vm, ref, context, outdated, !current));
  }
  return { define, start, notes };
}

interface Ref {
  readonly name: string;
  readonly uuid: string;
}

function defineStep(lab: Lab, vm: Vm, ref: Ref, xml: string, before: Before, context: RenderContext): Step {
  const { present, restarted } = before;
  const disk = vm.boot.kind === 'image' ? diskPath(context.stateDir, lab.name, vm.name, vm.boot.image) : null;
  // A disk that is there is kept, even where another image was tried in between.
  const isNew = disk !== null && !before.disks.includes(disk);
  const overlay: Action[] =
    isNew && vm.boot.kind === 'image' ? [{ kind: 'overlay', path: disk, image: vm.boot.image }] : [];
  const guest = { ...ref, console: consolePath(context.stateDir, lab.name, vm.name) };
  const back: Action[] = present?.xml
    ? [
        { kind: 'define', ...ref, xml: present.xml },
        ...(restarted ? [{ kind: 'start', ...guest } as const] : []),
      ]
    : [{ kind: 'undefine', ...ref }];
  return {
    title: `define ${vm.domain} (${vm.memoryMiB} MiB, ${vm.vcpus} vCPU, ${vm.nics.length} NIC)`,
    why: present ? 'its definition differs from the lab' : 'the lab names it and libvirt has none',
    do: [...overlay, { kind: 'define', ...ref, xml }],
    undo: [...back, ...(isNew ? [{ kind: 'remove-file', path: disk } as const] : [])],
  };
}

/** How a domain was before the plan. */
interface Before {
  readonly present: DomainState | undefined;
  /** It runs, and will be restarted: an undo has to start it with its former definition. */
  readonly restarted: boolean;
  /** Disks that the lab has already. */
  readonly disks: readonly string[];
}

/** @param redefined where a define step precedes, whose undo starts the former guest again */
function startStep(
  lab: Lab,
  vm: Vm,
  ref: Ref,
  context: RenderContext,
  restart: boolean,
  redefined: boolean,
): Step {
  const guest = { ...ref, console: consolePath(context.stateDir, lab.name, vm.name) };
  const start: Action = { kind: 'start', ...guest };
  const stop: Action = { kind: 'stop', ...ref };
  const launch: Action[] = [
    start,
    // Other guests say nothing that we know; the path proof will see them.
    ...(vm.boot.kind === 'probe' ? [{ kind: 'await', ...guest, upMarker: PROBE_UP } as const] : []),
  ];
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

/** End and forget domains of ours. Their files stay until all went well: see {@link guestFiles}. */
export function removeGuests(
  lab: string,
  domains: readonly DomainState[],
  stateDir: string,
  why: string,
): Step[] {
  return domains.map(domain => {
    const ref = { name: domain.name, uuid: domain.uuid };
    const alive = isAlive(domain);
    const guest = { ...ref, console: consolePath(stateDir, lab, domain.mark?.vm ?? '') };
    return {
      title: `remove ${domain.name}`,
      why,
      do: [...(alive ? [{ kind: 'stop', ...ref } as const] : []), { kind: 'undefine', ...ref }],
      // What was in its memory is gone, but it can run again.
      undo: domain.xml
        ? [
            { kind: 'define', ...ref, xml: domain.xml },
            ...(alive ? [{ kind: 'start', ...guest } as const] : []),
          ]
        : [],
    };
  });
}

/** Console logs and disks of domains that are gone. */
export const guestFiles = (lab: string, domains: readonly DomainState[], stateDir: string): string[] =>
  domains.flatMap(({ mark }) =>
    mark ? [consolePath(stateDir, lab, mark.vm), diskFolder(stateDir, lab, mark.vm)] : [],
  );
