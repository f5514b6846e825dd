import type { HostState, Link } from '../host/model.js';
import type { Bridge } from '../lab/model.js';
import type { PlanProblem } from './problems.js';

/** What names the uplink and has more to it than vmnet can say to `ip` again would be lost by a move, or stay behind. */
export function wouldLose(bridge: Bridge, uplink: Link, host: HostState): PlanProblem | null {
  const lost = oddOn(uplink.name, host);
  if (lost.length === 0) return null;
  return {
    code: 'conflict',
    message: `${uplink.name} has what vmnet cannot move to ${bridge.name}: ${lost.join('; ')}`,
    fix: 'Take it away first and put it on the bridge afterwards, or repeat the command with --yes if you can do without it.',
  };
}

interface Odd {
  readonly odd?: readonly string[];
}

function oddOn(dev: string, host: HostState): string[] {
  const told = <T extends Odd>(things: readonly T[], name: (thing: T) => string) =>
    things.flatMap(thing => (thing.odd ? [`${name(thing)} (${thing.odd.join(', ')})`] : []));
  const nexthops = host.nexthops.filter(nexthop => nexthop.dev === dev);
  const lost = new Set(nexthops.filter(({ odd }) => odd).map(({ id }) => id));
  const byLost = ({ nhid }: { readonly nhid?: number }) => nhid !== undefined && lost.has(nhid);
  const routes = host.routes.filter(
    route => route.dev === dev || route.nexthops.some(hop => hop.dev === dev),
  );
  return [
    ...told(routes, ({ dst, table }) => `the route ${dst} in table ${table}`),
    ...routes.filter(byLost).map(({ dst, nhid }) => `the route ${dst}, by nexthop ${nhid}`),
    ...told(
      host.rules.filter(rule => rule.iif === dev || rule.oif === dev),
      ({ priority }) => `the rule ${priority}`,
    ),
    ...told(nexthops, ({ id }) => `the nexthop ${id}`),
  ];
}
