import type { InnerRoute, NamespaceState } from '../host/model.js';
import type { Namespace, NamespaceRoute } from '../lab/model.js';
import type { Step } from './model.js';
import { linesAt } from './veth.js';

/** A route of either family: an IPv4 batch knows IPv6 by the subnet, which is never the word `default`. */
export const routeLine = (verb: 'add' | 'replace' | 'del', { to, via }: NamespaceRoute) =>
  `route ${verb} ${to} via ${via}`;

/**
 * Routes that are missing or lead elsewhere, and those that the lab had when it was last applied.
 * @param shaken addresses go in the same plan, and the kernel drops the routes of an interface with its last one
 */
export function mendRoutes(
  { netns, routes }: Namespace,
  former: Namespace | undefined,
  state: NamespaceState,
  shaken: boolean,
): Step[] {
  const asWanted = ({ to, via }: NamespaceRoute) =>
    state.routes.some(({ dst, gateway }) => dst === to && gateway === via);
  const missing = routes
    .filter(route => !asWanted(route))
    .map((route): Step => {
      const other = state.routes.find(({ dst, metric }) => dst === route.to && isPlain(metric, dst));
      const back = other?.gateway
        ? routeLine('replace', { to: route.to, via: other.gateway })
        : routeLine('del', route);
      return {
        title: `set route to ${route.to} via ${route.via} in ${netns}`,
        why: other?.gateway ? `it leads to ${other.gateway}` : 'there is none',
        do: [linesAt(netns, [routeLine('replace', route)])],
        undo: [linesAt(netns, [back])],
      };
    });
  const dropped = (former?.routes ?? [])
    .filter(old => asWanted(old) && !routes.some(({ to }) => to === old.to))
    .map(
      (old): Step => ({
        title: `remove route to ${old.to} via ${old.via} in ${netns}`,
        why: 'the lab no longer has it',
        do: [linesAt(netns, [routeLine('del', old)])],
        undo: [linesAt(netns, [routeLine('add', old)])],
      }),
    );
  return [...dropped, ...missing, ...(shaken ? keepRoutes(netns, routes.filter(asWanted), state) : [])];
}

function keepRoutes(netns: string, kept: readonly NamespaceRoute[], state: NamespaceState): Step[] {
  if (kept.length === 0) return [];
  const before = state.routes.flatMap(({ dst, gateway }) => (gateway ? [{ to: dst, via: gateway }] : []));
  const again = (routes: readonly NamespaceRoute[]) =>
    linesAt(
      netns,
      routes.map(route => routeLine('replace', route)),
    );
  return [
    {
      title: `keep the routes in ${netns}`,
      why: 'some go with the address that they were reached by',
      do: [again(kept)],
      undo: [again(before)],
    },
  ];
}

/** One that `replace` would take the place of: IPv6 routes have the metric 1024 where none is said. */
const isPlain = (metric: number | null, dst: InnerRoute['dst']) =>
  dst.includes(':') ? metric === 1024 : metric === null || metric === 0;

/** Settings that are not as the lab wants them. */
export function mendSysctls({ netns, sysctls }: Namespace, state: NamespaceState): Step[] {
  return Object.entries(sysctls)
    .filter(([path, value]) => state.sysctls[path] !== value.trim().replace(/\s+/g, ' '))
    .map(([path, value]): Step => {
      const now = state.sysctls[path];
      const set = (to: string) =>
        ({ kind: 'inside', work: [{ namespace: netns, sysctls: [[path, to]], lines: [] }] }) as const;
      return {
        title: `set ${path.replaceAll('/', '.')} to ${value} in ${netns}`,
        why: now === undefined ? 'it cannot be read' : `it is ${now}`,
        do: [set(value)],
        undo: now === undefined ? [] : [set(now)],
      };
    });
}
