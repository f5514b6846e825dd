import type { HostState, Link, NamespaceState } from '../host/model.js';
import { shortList } from '../lab/short-list.js';
import { routeLine } from './inner.js';
import { byMark, markLines, markOf } from './links.js';
import type { Action, InsideWork, Step } from './model.js';
import { namespaceNamed, otherEnd, type Placed } from './place.js';
import type { PlanProblem } from './problems.js';
import { asObserved, endLines, linesAt, pairLine, vethEnd } from './veth.js';
import { portVlans } from './vlans.js';

/** What goes; all of it is ours. */
export interface Endpoints {
  /** Our ends of veths on the host: the other ends go with them. */
  readonly veths: readonly Link[];
  /** One end of each link between namespaces that stay. */
  readonly ends: readonly Placed[];
  readonly namespaces: readonly NamespaceState[];
}

export interface RemoveOptions {
  readonly why: string;
  /** Delete names of namespaces in which processes run; null where nobody can ask for that. */
  readonly force: boolean | null;
  /** No lab needs the folder of their names any more. */
  readonly folder: boolean;
}

/** One step for all: links in one group deletion, then names. What runs in a namespace would keep it without a name. */
export function removeEndpoints(
  lab: string,
  { veths, ends, namespaces }: Endpoints,
  host: HostState,
  { why, force, folder }: RemoveOptions,
  problems: PlanProblem[],
): Step[] {
  if (veths.length + ends.length + namespaces.length === 0) return [];
  const busy = namespaces.filter(({ pids }) => pids.length > 0);
  if (busy.length > 0 && !force) problems.push(...busy.map(it => inUse(it, force)));
  const lost =
    busy.length > 0 ? `; --force: ${shortList(busy.map(({ name }) => name))} live on without a name` : '';
  const what = [
    ...(veths.length > 0
      ? [`${count(veths.length, 'veth')} ${shortList(veths.map(({ name }) => name))}`]
      : []),
    ...(ends.length > 0
      ? [`${count(ends.length, 'link')} ${shortList(ends.map(({ link }) => link.name))}`]
      : []),
    ...(namespaces.length > 0
      ? [`${count(namespaces.length, 'namespace')} ${shortList(namespaces.map(({ name }) => name))}`]
      : []),
  ];
  return [
    {
      title: `delete ${what.join(', ')}`,
      why: `${why}${lost}`,
      do: [
        ...deleteLinks(veths, lab),
        ...ends.map(({ place, link }) => linesAt(place, [`link del dev ${link.name}`])),
        ...deleteNames(namespaces, folder),
      ],
      undo: sameAgain({ veths, ends, namespaces }, host),
    },
  ];
}

const deleteLinks = (veths: readonly Link[], lab: string): Action[] =>
  veths.length === 0
    ? []
    : [{ kind: 'delete-links', links: veths.map(veth => byMark(markOf(veth, lab) ?? veth.name)) }];

const deleteNames = (namespaces: readonly NamespaceState[], folder: boolean): Action[] =>
  namespaces.length === 0
    ? []
    : [
        {
          kind: 'delete-namespaces',
          namespaces: namespaces.map(({ name, mark }) => ({ name, mark: mark ?? '', created: false })),
          folder,
        },
      ];

const count = (n: number, what: string) => (n === 1 ? what : `${n} ${what}s`);

const inUse = ({ name, pids }: NamespaceState, force: boolean | null): PlanProblem => ({
  code: 'conflict',
  message: `the network namespace ${name} is in use by ${pids.length === 1 ? 'process' : 'processes'} ${shortList(pids.map(String))}, which would keep it alive without a name`,
  fix: `End what runs in it first (ip netns pids ${name})${force === null ? '' : ', or repeat the command with --force, which leaves it to those processes'}.`,
});

/** Everything as it was seen: names, pairs, then what is inside each, and last the ends on the host. */
function sameAgain({ veths, ends, namespaces }: Endpoints, host: HostState): Action[] {
  const inner = namespaces.flatMap(({ name, links }) => links.map(link => ({ place: name, link })));
  const pairs = pairsFrom([...veths.map(link => ({ place: null, link })), ...ends, ...inner], host);
  const placed = pairs.flat();
  const gone = new Set(namespaces.map(({ name }) => name));
  const touched = new Set([...gone, ...placed.flatMap(({ place }) => place ?? [])]);
  const work = [...touched].flatMap(name => {
    const state = namespaceNamed(host, name);
    const own = placed.filter(({ place }) => place === name).map(({ link }) => link);
    return state ? [innerAgain(state, own, gone.has(name))] : [];
  });
  const outer = placed.filter(({ place }) => place === null);
  return [
    {
      kind: 'ip',
      lines: [
        ...namespaces.map(({ name }) => `netns add ${name}`),
        ...pairs.map(([a, b]) => pairLine([vethEnd(a), vethEnd(b)])),
      ],
    },
    { kind: 'ip', lines: outer.flatMap(({ link }) => endLines(asObserved(link))) },
    ...portVlans(
      host,
      outer.map(({ link }) => link),
    ),
    { kind: 'inside', work },
  ];
}

/** Each veth pair once, from any of its ends. */
function pairsFrom(placed: readonly Placed[], host: HostState): [Placed, Placed][] {
  const key = ({ place, link }: Placed) => `${place ?? ''}/${link.name}`;
  const seen = new Set<string>();
  return placed.flatMap(end => {
    const other = otherEnd(host, end);
    if (other === undefined || seen.has(key(end))) return [];
    seen.add(key(end));
    seen.add(key(other));
    return [[end, other]];
  });
}

function innerAgain(
  { name, mark, links, routes, sysctls }: NamespaceState,
  own: readonly Link[],
  whole: boolean,
): InsideWork {
  const lo = links.find(link => link.type === 'loopback');
  const names = new Set(own.map(link => link.name));
  const loopback = [
    ...markLines('lo', mark ?? name, lo?.alias ?? mark ?? name),
    ...(lo?.up ? ['link set dev lo up'] : []),
  ];
  return {
    namespace: name,
    sysctls: whole ? Object.entries(sysctls) : [],
    lines: [
      ...(whole ? loopback : []),
      ...own.flatMap(link => endLines(asObserved(link))),
      ...routes.flatMap(({ dst, gateway, dev, protocol }) =>
        gateway && protocol !== 'kernel' && protocol !== 'ra' && (whole || names.has(dev ?? ''))
          ? [routeLine('replace', { to: dst, via: gateway })]
          : [],
      ),
    ],
  };
}
