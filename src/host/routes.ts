import type { IpJson } from '../drivers/iproute2.js';
import { number, object, objects, string, strings } from './json.js';
import type { Neighbour, Route, Rule } from './model.js';

/** One object of `ip -j -d route show table all` as a Route; null for what the kernel makes by itself. */
export function parseRoute(json: IpJson, family: 4 | 6): Route | null {
  const table = String(json.table ?? 'main');
  const type = string(json.type) ?? 'unicast';
  // Table `local`, multicast and anycast routes follow from the addresses.
  if (table === 'local' || ['local', 'broadcast', 'multicast', 'anycast'].includes(type)) return null;
  const via = object(json.via);
  return {
    family,
    type,
    dst: string(json.dst) ?? 'default',
    table,
    gateway: string(json.gateway),
    via: string(via.host) ? { family: string(via.family) ?? 'inet6', host: string(via.host) ?? '' } : null,
    dev: string(json.dev),
    protocol: string(json.protocol),
    scope: string(json.scope),
    prefsrc: string(json.prefsrc),
    src: string(json.from) ?? string(json.src),
    metric: number(json.metric),
    onlink: strings(json.flags).includes('onlink'),
    metrics: objects(json.metrics).flatMap(entry =>
      Object.entries(entry).flatMap(([key, value]) =>
        typeof value === 'number' ? [[key, value] as const] : [],
      ),
    ),
    nexthops: objects(json.nexthops).map(hop => ({
      gateway: string(hop.gateway),
      dev: string(hop.dev) ?? '',
      weight: number(hop.weight) ?? 1,
      onlink: strings(hop.flags).includes('onlink'),
    })),
    pref: string(json.pref),
  };
}

/** One object of `ip -j -d rule show` as a Rule. */
export function parseRule(json: IpJson, family: 4 | 6): Rule {
  const network = (address: unknown, length: unknown) =>
    address === 'all' || address === undefined
      ? 'all'
      : `${address}${length === undefined ? '' : `/${length}`}`;
  const selectors = [
    ...(json.not === null ? ['not'] : []),
    'from',
    network(json.src, json.srclen),
    ...(json.dst === undefined ? [] : ['to', network(json.dst, json.dstlen)]),
    ...pair('tos', json.tos),
    ...(json.fwmark === undefined ? [] : ['fwmark', `${json.fwmark}${json.fwmask ? `/${json.fwmask}` : ''}`]),
    ...pair('ipproto', json.ipproto),
    ...range('sport', json, 'sport'),
    ...range('dport', json, 'dport'),
    ...(json.uid_start === undefined ? [] : ['uidrange', `${json.uid_start}-${json.uid_end}`]),
  ];
  return {
    family,
    priority: number(json.priority) ?? 0,
    selectors,
    iif: string(json.iif),
    oif: string(json.oif),
    action:
      json.table === undefined ? [string(json.action) ?? 'unreachable'] : ['lookup', String(json.table)],
  };
}

export function parseNeighbour(json: IpJson): Neighbour | null {
  const dst = string(json.dst);
  const dev = string(json.dev);
  const mac = string(json.lladdr);
  return dst && dev && mac ? { dst, dev, mac } : null;
}

const pair = (key: string, value: unknown): string[] => (value === undefined ? [] : [key, String(value)]);

function range(key: string, json: IpJson, name: string): string[] {
  if (json[name] !== undefined) return [key, String(json[name])];
  const from = json[`${name}_start`];
  return from === undefined ? [] : [key, `${from}-${json[`${name}_end`]}`];
}
