import type { HostState, ImageState } from '../host/model.js';
import type { Disk, Lab, Vm } from '../lab/model.js';
import { printable } from '../lab/quote.js';
import { Sealed } from '../lab/sealed.js';
import { memoryText } from '../lab/units.js';
import { withAdditions } from '../lab/user-data.js';
import type { RenderContext } from '../render/domain.js';
import { diskPath, keepPath, nvramPath } from '../render/paths.js';
import { seedFiles, seedPath } from '../render/seed.js';
import type { Action } from './model.js';
import type { PlanProblem } from './problems.js';

/** What has to be made for a VM before it can be defined, and what takes that away again. */
export interface DiskActions {
  readonly make: readonly Action[];
  readonly undo: readonly Action[];
  /** The VM has had another seed. */
  readonly reseeded: boolean;
}

/** Disks that are there are kept as they are, even where others were tried in between. */
export function planDisks(lab: Lab, vm: Vm, { disks }: HostState, context: RenderContext): DiskActions {
  const { stateDir } = context;
  const owned = context.user === undefined ? {} : { owner: context.user };
  const has = new Set(disks);
  const made = vm.disks.flatMap((disk): Action[] => {
    const path = diskPath(stateDir, lab.name, vm.name, disk);
    return has.has(path) ? [] : [{ ...makeDisk(path, disk), ...owned }];
  });
  const seed =
    vm.cloudInit === null ? [] : seedActions(lab, vm, stateDir, has).map(it => ({ ...it, ...owned }));
  const keep = keepPath(stateDir, lab.name, vm.name);
  const marked = has.has(keep);
  const mark = { kind: 'mark-file', path: keep } as const;
  const unmark = { kind: 'remove-file', path: keep } as const;
  // Nothing is there to be kept without a disk.
  const wanted = vm.keepDisk && vm.disks.length > 0;
  const make = [...made, ...seed, ...(wanted === marked ? [] : [wanted ? mark : unmark])];
  const undo = [...made, ...seed].flatMap(action => ('path' in action ? removals(action) : []));
  return {
    make,
    undo: [...undo, ...(wanted === marked ? [] : [wanted ? unmark : mark])],
    reseeded: seed.length > 0 && [...has].some(path => path.startsWith(seedStart(stateDir, lab, vm))),
  };
}

function makeDisk(path: string, { image, format, sizeMiB }: Disk): Action {
  return image === null
    ? { kind: 'disk', path, format, sizeMiB: sizeMiB ?? 1 }
    : { kind: 'overlay', path, image, format, sizeMiB };
}

function seedActions(lab: Lab, vm: Vm, stateDir: string, has: ReadonlySet<string>): Action[] {
  if (vm.cloudInit === null) return [];
  const path = seedPath(stateDir, lab, vm, vm.cloudInit);
  if (has.has(path)) return [];
  const files = { ...seedFiles(lab, vm, vm.cloudInit) };
  const userData = new Sealed(withAdditions(vm.cloudInit.userData?.open() ?? null, vm.cloudInit));
  return [{ kind: 'seed', path, files, userData }];
}

/** A seed is put together in a folder beside it. */
const removals = ({ kind, path }: { kind: string; path: string }): Action[] => [
  { kind: 'remove-file', path },
  ...(kind === 'seed' ? [{ kind: 'remove-file', path: `${path}.new` } as const] : []),
];

const folderOf = (stateDir: string, lab: string, vm: string) => `${stateDir}/disks/${lab}/${vm}/`;
const seedStart = (stateDir: string, lab: Lab, vm: Vm) => `${folderOf(stateDir, lab.name, vm.name)}seed-`;

/** Seeds of the lab's VMs that nothing uses any more. */
export function oldSeeds(lab: Lab, { disks }: HostState, stateDir: string): string[] {
  return lab.vms.flatMap(vm => {
    const now = vm.cloudInit === null ? null : seedPath(stateDir, lab, vm, vm.cloudInit);
    return disks.filter(path => path.startsWith(seedStart(stateDir, lab, vm)) && path !== now);
  });
}

export const keepIn = (folder: string) => `${folder}/keep`;

/** Of all files of a lab's disks, those that a mark beside them says to keep: neither seeds nor UEFI's variables. */
export function keptDisks(files: readonly string[]): string[] {
  const marks = new Set(files.filter(path => path.endsWith('/keep')));
  const isDisk = (path: string) => /\/[^/]+\.(qcow2|raw)$/.test(path);
  return files.filter(path => isDisk(path) && marks.has(keepIn(path.slice(0, path.lastIndexOf('/')))));
}

export const keptNotes = (files: readonly string[]): string[] =>
  keptDisks(files).map(
    path => `${path} stays, since its VM has "keepDisk"; when you do not need it any more: rm ${path}`,
  );

/** Files of a VM that is gone: its folder, or all in it that is not to be kept. */
export function diskGarbage(lab: string, vm: string, disks: readonly string[], stateDir: string): string[] {
  const folder = folderOf(stateDir, lab, vm);
  const all = disks.filter(path => path.startsWith(folder));
  const kept = keptDisks(all);
  if (kept.length === 0) return [folder.slice(0, -1)];
  const nvram = nvramPath(stateDir, lab, vm);
  return [...all.filter(path => !kept.includes(path) && path !== keepPath(stateDir, lab, vm)), nvram];
}

const MIB = 1024 * 1024;

/** Images that cannot be used and sizes that cannot be, and what a file system with less room than its disks may need. */
export function checkDisks(
  lab: Lab,
  host: HostState,
  { stateDir }: RenderContext,
  problems: PlanProblem[],
): string[] {
  const has = new Set(host.disks);
  const images = new Map((host.images ?? []).map(image => [`${image.format}:${image.path}`, image]));
  const total = host.space?.total ?? Number.POSITIVE_INFINITY;
  const free = host.space?.free ?? Number.POSITIVE_INFINITY;
  let mayTake = 0;
  for (const vm of lab.vms)
    for (const disk of vm.disks) {
      if (has.has(diskPath(stateDir, lab.name, vm.name, disk))) continue;
      const image = images.get(`${disk.format}:${disk.image}`);
      const problem = problemOf(vm, disk, image, total, stateDir);
      if (problem) problems.push(problem);
      if (!disk.readOnly) mayTake += disk.sizeMiB === null ? (image?.size ?? 0) : disk.sizeMiB * MIB;
    }
  if (mayTake <= free) return [];
  return [
    `the new disks of ${lab.name} may grow to ${mib(mayTake)}, and ${stateDir} has ${mib(free)} free: a guest whose disk cannot grow is paused. Make room, or point VMNET_STATE_DIR elsewhere`,
  ];
}

const mib = (bytes: number) => memoryText(Math.ceil(bytes / MIB));

function problemOf(
  vm: Vm,
  { image: path, sizeMiB }: Disk,
  image: ImageState | undefined,
  total: number,
  stateDir: string,
): PlanProblem | null {
  if (image?.fault)
    return {
      code: 'bad-lab',
      message: `the image ${printable(path ?? '')} of VM ${vm.name} ${printable(image.fault.why)}`,
      fix: `${sentence(printable(image.fault.fix))}.`,
    };
  if (sizeMiB === null) return null;
  if (image && sizeMiB * MIB < image.size)
    return {
      code: 'bad-lab',
      message: `the size ${memoryText(sizeMiB)} of a disk of VM ${vm.name} is less than the ${mib(image.size)} of its image ${printable(path ?? '')}`,
      fix: 'Leave "size" out, or make it larger: a smaller disk would cut the image off.',
    };
  if (sizeMiB * MIB <= total) return null;
  return {
    code: 'bad-lab',
    message: `a disk of VM ${vm.name} cannot be ${memoryText(sizeMiB)} large: the file system of ${stateDir} holds ${mib(total)} in all`,
    fix: 'Make "size" smaller, or point VMNET_STATE_DIR at a larger file system.',
  };
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
