import type { Address, Route, Rule } from '../host/model.js';

// Addresses, routes and rules in the words of ip(8), as a batch takes them.

export function addressAdd(address: Address, from: string, to: string): string {
  const label = address.label?.startsWith(`${from}:`) ? `${to}${address.label.slice(from.length)}` : null;
  return words(
    // An advertisement may have brought it already.
    address.family === 6 && address.validLifetime !== null ? 'address replace' : 'address add',
    address.peer
      ? `${address.local} peer ${address.peer}/${address.prefix}`
      : `${address.local}/${address.prefix}`,
    address.broadcast && `broadcast ${address.broadcast}`,
    `dev ${to}`,
    `scope ${address.scope}`,
    label && label.length <= 15 && `label ${label}`,
    address.metric !== null && `metric ${address.metric}`,
    ...address.flags,
    address.protocol && `proto ${address.protocol}`,
    address.validLifetime !== null &&
      `valid_lft ${address.validLifetime} preferred_lft ${address.preferredLifetime ?? 'forever'}`,
  );
}

export type Rename = (device: string) => string;

/** `append` stands beside a like route of another NIC, where `add` would refuse; multipath replaces what is left of itself. */
export function routeAdd(route: Route, device: Rename): string {
  return words(route.nexthops.length > 0 ? 'route replace' : 'route append', routeWords(route, device));
}

/** The same for a route by nexthop object, which names no device; `::/0`, since such lines tell no family. */
export function objectRouteWords(route: Route): string {
  const bare = { ...route, gateway: null, via: null, dev: null, onlink: false, nexthops: [] };
  const dst = route.family === 6 && route.dst === 'default' ? '::/0' : route.dst;
  return words(
    routeWords({ ...bare, dst }, name => name),
    `nhid ${route.nhid}`,
  );
}

export function routeWords(route: Route, device: Rename): string {
  return words(
    route.type !== 'unicast' && route.type,
    route.dst,
    route.src && `from ${route.src}`,
    route.gateway && `via ${route.gateway}`,
    route.via && `via ${route.via.family} ${route.via.host}`,
    route.dev && `dev ${device(route.dev)}`,
    `table ${route.table}`,
    route.protocol && `proto ${route.protocol}`,
    route.family === 4 && route.scope && `scope ${route.scope}`,
    route.prefsrc && `src ${route.prefsrc}`,
    route.metric !== null && `metric ${route.metric}`,
    route.expires !== undefined && route.family === 6 && `expires ${route.expires}`,
    ...(route.options ?? []),
    route.onlink && 'onlink',
    ...route.metrics.map(([key, value]) => `${key} ${value}`),
    route.pref && route.pref !== 'medium' && `pref ${route.pref}`,
    ...route.nexthops.map(hop =>
      words(
        'nexthop',
        hop.gateway && `via ${hop.gateway}`,
        `dev ${device(hop.dev)} weight ${hop.weight}`,
        hop.onlink && 'onlink',
      ),
    ),
  );
}

/** Add before delete, so that no packet meets neither. */
export function moveRule(rule: Rule, here: Rename, there: Rename): string[] {
  const text = (device: Rename) =>
    words(
      ...rule.selectors,
      rule.iif && `iif ${device(rule.iif)}`,
      rule.oif && `oif ${device(rule.oif)}`,
      `pref ${rule.priority}`,
      ...rule.action,
    );
  return [`rule add ${text(there)}`, `rule del ${text(here)}`];
}

export const words = (...parts: readonly (string | false | null | undefined)[]): string =>
  parts.filter(Boolean).join(' ');
