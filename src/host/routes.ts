import type { IpJson } from '../drivers/iproute2.js';
import { number, object, objects, string, strings } from './json.js';
import type { Neighbour, Route, Rule } from './model.js';
import { oddities } from './odd.js';

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
    metrics: objects(json.metrics).flatMap(entry => Object.entries(entry).flatMap(metric)),
    nexthops: objects(json.nexthops).map(hop => ({
      gateway: string(hop.gateway),
      dev: string(hop.dev) ?? '',
      weight: number(hop.weight) ?? 1,
      onlink: strings(hop.flags).includes('onlink'),
    })),
    pref: string(json.pref),
    ...optional('nhid', number(json.nhid)),
    ...optional('expires', number(json.expires)),
    ...optional('options', routeOptions(json)),
    ...oddities(json, ROUTE_KEYS),
    ...(objects(json.nexthops).some(hop => oddities(hop, HOP_KEYS).odd) ? { odd: ['its nexthops'] } : {}),
  };
}

const ROUTE_KEYS = (
  'type dst table gateway via dev protocol scope prefsrc from src metric flags metrics nexthops pref ' +
  'nhid nh_info expires tos flow cache used age error'
).split(' ');

const HOP_KEYS = ['gateway', 'via', 'dev', 'weight', 'flags'];

const optional = <K extends string, T>(key: K, value: T | null) =>
  (value === null ? {} : { [key]: value }) as { readonly [P in K]?: T };

function routeOptions(json: IpJson): string[] | null {
  const flow = object(json.flow);
  const words = [
    ...pair('tos', json.tos),
    ...(json.flow === undefined ? [] : ['realms', [flow.from, flow.to].filter(Boolean).join('/')]),
  ];
  return words.length > 0 ? words : null;
}

/** One metric in ip's words; what has no value in JSON is one of `features`. */
function metric([key, value]: [string, unknown]): (readonly [string, number | string])[] {
  if (value === null) return [['features', key]];
  if (key === 'congestion') return [['congctl', String(value)]];
  if (typeof value !== 'number') return [];
  return [[key, IN_MILLISECONDS.includes(key) ? `${value}ms` : value]];
}

const IN_MILLISECONDS = ['rtt', 'rttvar', 'rto_min'];

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
    ...pair('tun_id', json.tun_id),
    ...(json.protocol === undefined || json.protocol === 'unspec' ? [] : pair('protocol', json.protocol)),
  ];
  return {
    family,
    priority: number(json.priority) ?? 0,
    selectors,
    iif: string(json.iif),
    oif: string(json.oif),
    action: ruleAction(json),
    ...oddities(json, RULE_KEYS),
  };
}

const RULE_KEYS = (
  'priority not src srclen dst dstlen tos fwmark fwmask ipproto sport sport_start sport_end dport dport_start ' +
  'dport_end uid_start uid_end tun_id protocol iif iif_detached oif oif_detached action table goto unresolved ' +
  'nop l3mdev suppress_prefixlen suppress_ifgroup flow_from flow_to'
).split(' ');

function ruleAction(json: IpJson): string[] {
  const flow = [json.flow_from, json.flow_to].filter(value => value !== undefined).join('/');
  const end = flow === '' ? [] : ['realms', flow];
  if (json.goto !== undefined) return ['goto', String(json.goto), ...end];
  if (json.nop !== undefined) return ['nop', ...end];
  if (json.l3mdev !== undefined) return ['l3mdev', ...end];
  if (json.table === undefined) return [string(json.action) ?? 'unreachable', ...end];
  return [
    'lookup',
    String(json.table),
    ...pair('suppress_prefixlength', json.suppress_prefixlen),
    ...pair('suppress_ifgroup', json.suppress_ifgroup),
    ...end,
  ];
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
