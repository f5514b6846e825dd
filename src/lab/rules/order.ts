import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { didYouMean } from '../suggest.js';
import { waitSeconds } from '../units.js';
import { type AtVm, nicsOf, vmSetting, vmsOf } from './walk.js';

const LARGEST_PORT = 65_535;
const LONGEST_SECONDS = 86_400;

/** Who waits for whom, and for what: it can come about, and it ends. */
export function checkOrder(lab: LooseLab, report: Report): void {
  const told = new Set<string>();
  // What stands in the defaults is wrong once, however many VMs take it.
  const once: Report = (path, message, fix, at) => {
    if (path[0] === 'defaults' && told.has(path.join('/'))) return;
    told.add(path.join('/'));
    report(path, message, fix, at);
  };
  const bridged = new Set(nicsOf(lab).flatMap(({ vm, nic }) => (nic.type === 'macvtap' ? [] : [vm])));
  for (const at of vmsOf(lab)) {
    checkReady(lab, at, bridged.has(at.name), once);
    checkTimeout(lab, at, once);
  }
  checkCycles(lab, checkNames(lab, report), report);
}

function checkReady(lab: LooseLab, at: AtVm, isBridged: boolean, report: Report): void {
  const { value, path } = vmSetting(lab, at, 'ready');
  const fault = value === undefined ? null : (faultOf(value) ?? misfit(value, lab, at, isBridged));
  if (fault) report(path, `VM ${quote(at.name)}${fault.what}`, fault.fix);
}

interface Fault {
  readonly what: string;
  readonly fix: string;
}

const portIn = (ready: string) => /^tcp:([1-9][0-9]{0,4})$/.exec(ready)?.[1];

function faultOf(ready: string): Fault | null {
  const port = portIn(ready);
  if (port !== undefined)
    return Number(port) <= LARGEST_PORT
      ? null
      : { what: `: there is no port ${port}`, fix: `write one up to ${LARGEST_PORT}` };
  if (['none', 'up', 'address', 'ssh', 'agent'].includes(ready)) return null;
  const number = /^(?:tcp)?[: /]*([1-9][0-9]{0,4})(?:\/tcp)?$/i.exec(ready)?.[1];
  const fix =
    number === undefined ? didYouMean(ready, READY, 'write one of') : `write ${quote(`tcp:${number}`)}`;
  return { what: `: nobody can wait for ${quote(ready)}`, fix };
}

/** What this VM can never become, or this host never see. */
function misfit(ready: string, lab: LooseLab, at: AtVm, isBridged: boolean): Fault | null {
  const boot = vmSetting(lab, at, 'boot').value;
  if (ready === 'agent' && (boot === 'probe' || (typeof boot === 'object' && 'probe' in boot)))
    return { what: ' boots the probe guest, which has no guest agent', fix: 'write "up", or "tcp:7"' };
  const needsHost = ready === 'ssh' || portIn(ready) !== undefined;
  if (!needsHost || isBridged || (at.vm.nics ?? []).length === 0) return null;
  return {
    what: `: this host cannot reach its own macvtaps, so it cannot see whether ${ready} answers`,
    fix: 'write "up" or "address", or give the VM a NIC on a bridge',
  };
}

const READY = ['none', 'up', 'address', 'ssh', 'agent', 'tcp:5432'];

function checkTimeout(lab: LooseLab, at: AtVm, report: Report): void {
  const { value, path } = vmSetting(lab, at, 'readyTimeout');
  if (value === undefined) return;
  const seconds = waitSeconds(value);
  if (seconds !== null && seconds >= 1 && seconds <= LONGEST_SECONDS) return;
  const what = seconds === null ? 'is no time' : `is too ${seconds < 1 ? 'short' : 'long'}`;
  report(
    path,
    `VM ${quote(at.name)}: the readyTimeout ${typeof value === 'string' ? quote(value) : value} ${what}`,
    'write it such as "90s", "5m" or 90, at most a day',
  );
}

/** Tells of names that are no VM's; gives who depends on whom. */
function checkNames(lab: LooseLab, report: Report): Map<string, string[]> {
  const vms = vmsOf(lab);
  const known = new Set(vms.map(({ name }) => name));
  const names = [...known];
  const edges = new Map<string, string[]>();
  for (const { name, vm, path } of vms) {
    const wanted: string[] = [];
    for (const [i, needed] of (vm.dependsOn ?? []).entries()) {
      if (needed === undefined) continue;
      const place: Path = [...path, 'dependsOn', i];
      if (needed === name) {
        report(place, `VM ${quote(name)} depends on itself`, 'take it out');
      } else if (known.has(needed)) {
        wanted.push(needed);
      } else if (lab.namespaces !== undefined && needed in lab.namespaces) {
        report(
          place,
          `${quote(needed)} is a namespace, not a VM`,
          'take it out: namespaces are there before any VM starts',
        );
      } else {
        report(
          place,
          `VM ${quote(name)} depends on ${quote(needed)}, which this lab does not have`,
          didYouMean(needed, names, 'its VMs are'),
        );
      }
    }
    edges.set(name, wanted);
  }
  return edges;
}

/** Most names of a cycle that are printed. */
const SHOWN = 8;

/** Takes away whatever waits for nothing, again and again: what is left goes round. */
function checkCycles(lab: LooseLab, edges: ReadonlyMap<string, string[]>, report: Report): void {
  const dependents = new Map<string, string[]>([...edges.keys()].map(name => [name, []]));
  const left = new Map<string, number>();
  for (const [name, needed] of edges) {
    left.set(name, needed.length);
    for (const other of needed) dependents.get(other)?.push(name);
  }
  const free = [...left].filter(([, count]) => count === 0).map(([name]) => name);
  const release = () => {
    for (let name = free.pop(); name !== undefined; name = free.pop()) {
      if (!left.delete(name)) continue;
      for (const other of dependents.get(name) ?? []) {
        const count = (left.get(other) ?? 0) - 1;
        if (left.has(other)) left.set(other, count);
        if (count === 0) free.push(other);
      }
    }
  };
  release();
  const places = new Map(vmsOf(lab).map(({ name, path }, place) => [name, { path, place }] as const));
  const placeOf = (name: string) => places.get(name)?.place ?? 0;
  for (const { name } of vmsOf(lab)) {
    while (left.has(name)) {
      const cycle = cycleFrom(name, edges, left);
      const first = cycle.reduce((a, b) => (placeOf(b) < placeOf(a) ? b : a));
      const turned = [...cycle.slice(cycle.indexOf(first)), ...cycle.slice(0, cycle.indexOf(first))];
      report(
        [...(places.get(first)?.path ?? []), 'dependsOn'],
        `these VMs wait for each other: ${shown([...turned, first])}`,
        'take one of these dependencies out',
      );
      free.push(...cycle);
      release();
    }
  }
}

/** The way from a VM to the next that is left, until it comes round; what leads into the circle is left out. */
function cycleFrom(
  name: string,
  edges: ReadonlyMap<string, string[]>,
  left: ReadonlyMap<string, number>,
): string[] {
  const way = new Map<string, number>();
  for (let at: string | undefined = name; at !== undefined && !way.has(at); ) {
    way.set(at, way.size);
    const next: string | undefined = edges.get(at)?.find(other => left.has(other));
    if (next !== undefined && way.has(next)) return [...way.keys()].slice(way.get(next));
    at = next;
  }
  return [];
}

const shown = (names: readonly string[]) =>
  names.length <= SHOWN
    ? names.map(bare).join(' → ')
    : [
        ...names.slice(0, SHOWN - 2).map(bare),
        `… ${names.length - SHOWN + 1} more …`,
        bare(names.at(-1) ?? ''),
      ].join(' → ');

/** Names that are refused elsewhere are shown as safe text. */
const bare = (name: string) => (/^[\w-]{1,63}$/.test(name) ? name : quote(name));
