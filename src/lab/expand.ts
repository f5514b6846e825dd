import { copyOf, INDEX } from './copies.js';
import { copiesOf, fullBudget, isSingle } from './count.js';
import { groupOf, type LooseGroup, placeInGroup, withGroup } from './groups.js';
import { type Path, pointer, type Report } from './problem.js';
import { quote } from './quote.js';
import type { LooseVm } from './rules/walk.js';
import { type LooseLab, valueAt } from './shape.js';

export interface Expanded {
  /** Every VM stands for itself and has the values of its group. */
  readonly lab: LooseLab;
  /** Takes the paths of that lab, and tells where in the file it was written. */
  readonly report: Report;
}

/** What a VM was made from. */
interface Origin {
  readonly key: string;
  readonly vm: LooseVm;
  readonly group: LooseGroup | null;
  /** Of the copy, from 1; null for a VM without count. */
  readonly index: number | null;
}

/** Resolves groups and counts, so that no rule has to know of them. Defaults stay: rules see those themselves. */
export function expand(lab: LooseLab, report: Report): Expanded {
  const origins = new Map<string, Origin>();
  const vms: Record<string, LooseVm | undefined> = Object.create(null);
  const once = firstAt(report);
  const groups = Object.keys(lab.groups ?? {});
  const budget = fullBudget();
  for (const [key, vm] of Object.entries(lab.vms ?? {})) {
    if (vm === undefined || (!('group' in vm) && isSingle(key, vm))) {
      vms[key] = vm;
      continue;
    }
    const group = groupOf(lab, groups, key, vm, report);
    const { group: _, count: __, ...all } = group === null ? vm : withGroup(vm, group);
    const copies = isSingle(key, vm) ? [{ name: key, index: null }] : copiesOf(key, vm, budget, once);
    for (const { name, index } of copies) {
      if (name in vms || (name !== key && name in (lab.vms ?? {}))) {
        tellCollision(key, name, once);
        continue;
      }
      origins.set(name, { key, vm, group, index });
      vms[name] = index === null ? all : copyOf(all, index);
    }
  }
  dependOnAll(vms, origins, once);
  const resolved = lab.vms === undefined ? lab : { ...lab, vms };
  return { lab: resolved, report: tellOrigin(lab, resolved, origins, report, once) };
}

/** Dependencies that names of counted VMs may stand for, so that a hostile file costs no more. */
const MOST_DEPENDENCIES = 65_536;

/** The name of a counted VM stands for all of its copies; the first takes its place, for the paths of problems. */
function dependOnAll(
  vms: Record<string, LooseVm | undefined>,
  origins: ReadonlyMap<string, Origin>,
  report: Report,
): void {
  const copies = new Map<string, string[]>();
  for (const [name, { key, index }] of origins) {
    if (index === null) continue;
    const known = copies.get(key);
    if (known) known.push(name);
    else copies.set(key, [name]);
  }
  let left = MOST_DEPENDENCIES;
  for (const [name, vm] of Object.entries(vms)) {
    if (!vm?.dependsOn?.some(needed => needed !== undefined && copies.has(needed))) continue;
    const all = vm.dependsOn.map(needed => copies.get(needed ?? '') ?? [needed]);
    left -= all.reduce((sum, each) => sum + each.length - 1, 0);
    if (left < 0) {
      const message = `the names of VMs with a count stand for more than ${MOST_DEPENDENCIES} dependencies`;
      report(['vms', name, 'dependsOn'], message, 'depend on fewer of them');
      return;
    }
    vms[name] = { ...vm, dependsOn: [...all.map(([first]) => first), ...all.flatMap(each => each.slice(1))] };
  }
}

const tellCollision = (key: string, name: string, report: Report) =>
  report(
    ['vms', key],
    `VM ${quote(key)} makes one named ${quote(name)}, as another VM is`,
    'rename one of the two',
    'key',
  );

/** Only the first problem of a place is told: copies say the same of it, or nearly. */
function firstAt(report: Report): Report {
  const heard = new Set<string>();
  return (path, message, fix, at) => {
    if (heard.has(pointer(path))) return;
    heard.add(pointer(path));
    report(path, message, fix, at);
  };
}

/** Tells the place in the file for one in the resolved lab. */
function tellOrigin(
  lab: LooseLab,
  resolved: LooseLab,
  origins: ReadonlyMap<string, Origin>,
  report: Report,
  once: Report,
): Report {
  return (path, message, fix, at) => {
    const [top, name = '', ...rest] = path;
    const origin = top === 'vms' ? origins.get(String(name)) : undefined;
    if (origin === undefined) return report(path, message, fix, at);
    const place = placeOf(origin, rest);
    if (origin.index === null) return report(place, message, fix, at);
    const text = valueAt(lab, place);
    const which =
      typeof text === 'string' && text !== valueAt(resolved, path)
        ? `, where ${INDEX} is ${origin.index}`
        : '';
    once(place, `${message}${which}`, fix, at);
  };
}

function placeOf({ key, vm, group }: Origin, path: Path): Path {
  const shared = group === null ? null : placeInGroup(vm, group, path);
  return shared === null ? ['vms', key, ...path] : ['groups', vm.group ?? '', ...shared];
}
