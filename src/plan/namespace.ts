import type { HostState, Link, NamespaceState } from '../host/model.js';
import type { Lab, Namespace } from '../lab/model.js';
import { endStep, goneAddresses, mendEnd } from './end.js';
import { mendRoutes, mendSysctls, routeLine } from './inner.js';
import { markLines } from './links.js';
import type { Action, InsideWork, Step } from './model.js';
import { linksIn, markedIn, namespaceNamed, otherEnd, type Place, type Placed } from './place.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';
import { type End, endLines, linesAt, type Pair, pairLine, pairsOf } from './veth.js';

/**
 * Make what is missing, mend what differs: first all namespaces, then all wires, then what is inside, so that the first
 * two are one batch and the last a process a namespace at most.
 */
export function planNamespaces(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  const missing = lab.namespaces.filter(namespace => isMissing(namespace, host, problems));
  const fresh = new Set<Place>(missing.map(({ netns }) => netns));
  const formerLab = currentRecord(lab.name, host)?.lab;
  const former = formerAddresses(formerLab);
  const wires = pairsOf(lab, host).map(pair => planPair(pair, fresh, former, host, problems));
  const lines = wires.flatMap(wire => wire.lines);
  return [
    ...missing.map(namespace => create(namespace, host)),
    ...wires.flatMap(({ make }) => make),
    ...missing.map(namespace => setUp(namespace, lines)),
    ...wires.flatMap(({ mend }) => mend),
    ...lab.namespaces.flatMap(namespace => {
      const state = namespaceNamed(host, namespace.netns);
      if (fresh.has(namespace.netns) || state?.mark !== namespace.altname) return [];
      const was = formerLab?.namespaces.find(it => it.name === namespace.name);
      const shaken = wires.some(({ shakes }) => shakes);
      return [
        ...mendLoopback(namespace, state),
        ...mendSysctls(namespace, state),
        ...mendRoutes(namespace, was, state, shaken),
      ];
    }),
  ];
}

/** Addresses that a lab gave the ends of its wires, by mark and place. */
function formerAddresses(lab: Lab | undefined): ReadonlyMap<string, readonly string[]> {
  const netnsOf = (name: string | null) => lab?.namespaces.find(it => it.name === name)?.netns ?? '';
  return new Map([
    ...(lab?.namespaces ?? []).flatMap(({ netns, nics }) =>
      nics.map(({ altname, addresses }) => [`${netns} ${altname}`, addresses] as const),
    ),
    ...(lab?.links ?? []).flatMap(({ ends }) =>
      ends.map(
        ({ namespace, altname, addresses }) => [`${netnsOf(namespace)} ${altname}`, addresses] as const,
      ),
    ),
  ]);
}

function isMissing(namespace: Namespace, host: HostState, problems: PlanProblem[]): boolean {
  const { name, netns, altname } = namespace;
  const there = namespaceNamed(host, netns);
  if (there === undefined) return true;
  if (there.mark === altname) return false;
  const lab = there.mark?.split('.')[1];
  problems.push({
    code: 'conflict',
    message: `the network namespace ${netns} of ${name} cannot be made: one of that name exists, and ${lab ? `it belongs to the lab ${lab}` : 'it was not made by vmnet'}`,
    fix: `Give the namespace another name in the lab file, ${lab ? `or destroy that lab: vmnet destroy ${lab}` : `or remove the old one: ip netns del ${netns}`}.`,
  });
  return false;
}

const create = ({ name, netns, altname }: Namespace, host: HostState): Step => ({
  title: `create namespace ${netns} (${name})`,
  why: 'the lab names it and the host has none',
  do: [{ kind: 'ip', lines: [`netns add ${netns}`] }],
  undo: [
    {
      kind: 'delete-namespaces',
      namespaces: [{ name: netns, mark: altname, created: true }],
      folder: host.namespaceFolder === false,
    },
  ],
});

/** What is inside a new one; with it, all is undone. */
function setUp(
  { name, netns, altname, alias, sysctls, routes }: Namespace,
  ends: readonly InsideWork[],
): Step {
  const own = ends.filter(({ namespace }) => namespace === netns).flatMap(({ lines }) => lines);
  const lines = [
    ...markLines('lo', altname, alias),
    'link set dev lo up',
    ...own,
    ...routes.map(route => routeLine('add', route)),
  ];
  return {
    title: `set up namespace ${netns} (${name}) inside`,
    why: 'it is new',
    do: [{ kind: 'inside', work: [{ namespace: netns, sysctls: Object.entries(sysctls), lines }] }],
    undo: [],
  };
}

interface PairPlan {
  readonly make: readonly Step[];
  /** For ends in namespaces that are new: what `setUp` does with them. */
  readonly lines: readonly InsideWork[];
  readonly mend: readonly Step[];
  /** It loses an address. */
  readonly shakes: boolean;
}

const NOTHING: PairPlan = { make: [], lines: [], mend: [], shakes: false };

/** Both ends, where they are there and belong together. */
function wholePair({ ends: [a, b] }: Pair, host: HostState): readonly [Link, Link] | null {
  const link = markedIn(host, a.place, a.altname);
  const other = link && otherEnd(host, { place: a.place, link });
  const isOurs = other?.place === b.place && other.link.altnames.includes(b.altname);
  // On the host an owner may have renamed it; inside, programs know it by its name.
  return link && isOurs && other.link.name === b.name && (a.place === null || link.name === a.name)
    ? [link, other.link]
    : null;
}

/** Marks and places of ends that are there, but not with the other end that the lab wants: they are made anew. */
export const brokenEnds = (lab: Lab, host: HostState): Placed[] =>
  pairsOf(lab, host)
    .filter(pair => wholePair(pair, host) === null)
    .flatMap(({ ends }) =>
      ends.flatMap(({ place, altname }) => {
        const link = markedIn(host, place, altname);
        return link ? [{ place, link }] : [];
      }),
    );

function planPair(
  pair: Pair,
  fresh: ReadonlySet<Place>,
  former: ReadonlyMap<string, readonly string[]>,
  host: HostState,
  problems: PlanProblem[],
): PairPlan {
  const whole = wholePair(pair, host);
  if (whole) {
    const both = pair.ends.map((end, i) => {
      const link = whole[i as 0 | 1];
      return {
        end,
        link,
        gone: goneAddresses(end, link, former.get(`${end.place ?? ''} ${end.altname}`) ?? []),
      };
    });
    const mend = both.flatMap(({ end, link, gone }) => mendEnd(end, link, gone));
    return { ...NOTHING, mend, shakes: both.some(({ gone }) => gone.length > 0) };
  }
  const blocked = pair.ends.filter(end => isTaken(end, pair, host, problems));
  if (blocked.length > 0) return NOTHING;
  const outer = pair.ends.filter(({ place }) => place === null);
  const inner = pair.ends.filter(({ place }) => place !== null);
  const make: Step = {
    title: `connect ${pair.title}`,
    why: 'the lab names it and the host has none',
    do: [{ kind: 'ip', lines: [pairLine(pair.ends), ...outer.flatMap(endLines)] }],
    undo: undoPair(pair, fresh),
  };
  const settled = inner.map(end => ({ namespace: end.place ?? '', sysctls: [], lines: endLines(end) }));
  return {
    make: [make],
    lines: settled.filter(({ namespace }) => fresh.has(namespace)),
    shakes: false,
    mend: inner.filter(({ place }) => !fresh.has(place)).map(end => endStep(end, pair.title)),
  };
}

/** From the host where an end is there, else from inside; with a new namespace it goes anyway. */
function undoPair({ ends }: Pair, fresh: ReadonlySet<Place>): Action[] {
  const [first] = ends;
  if (first.place === null)
    return [{ kind: 'delete-links', links: [{ altname: first.altname, createdAs: first.name }] }];
  if (ends.some(({ place }) => fresh.has(place))) return [];
  return [linesAt(first.place, [`link del dev ${first.name}`])];
}

function isTaken(end: End, { path }: Pair, host: HostState, problems: PlanProblem[]): boolean {
  const foreign = linksIn(host, end.place).find(
    link => link.name === end.name && !link.altnames.includes(end.altname),
  );
  if (foreign === undefined) return false;
  // Left over by an earlier form of the lab, and about to go.
  if (end.place !== null && foreign.altnames.some(altname => altname.startsWith('vmnet.'))) return false;
  const where = end.place === null ? 'on the host' : `in the namespace ${end.place}`;
  problems.push({
    code: 'conflict',
    message: `${path}: the interface ${end.name} cannot be made: there is one of that name ${where} which this lab did not make`,
    fix: `Give it another name in the lab file, or remove the old one: ${end.place === null ? '' : `ip netns exec ${end.place} `}ip link del dev ${end.name}`,
  });
  return true;
}

function mendLoopback({ name, netns }: Namespace, { links }: NamespaceState): Step[] {
  const lo = links.find(link => link.type === 'loopback');
  if (lo === undefined || lo.up) return [];
  return [
    {
      title: `bring lo up in ${netns} (${name})`,
      why: 'it is down',
      do: [linesAt(netns, ['link set dev lo up'])],
      undo: [linesAt(netns, ['link set dev lo down'])],
    },
  ];
}
