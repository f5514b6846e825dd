import type { IpJson } from '../drivers/iproute2.js';
import { number, object, objects, string, strings } from './json.js';
import type { Nexthop } from './model.js';
import { oddities } from './odd.js';

/**
 * Objects of `ip -j -d nexthop show` as Nexthops.
 * @param six those that `ip -6` shows
 */
export function parseNexthops(all: readonly IpJson[], six: readonly IpJson[]): Nexthop[] {
  const ofIpv6 = new Set(six.map(json => json.id));
  return all.map(json => {
    const group = objects(json.group).map(({ id, weight }) => ({
      id: number(id) ?? 0,
      weight: number(weight) ?? 1,
    }));
    return {
      id: number(json.id) ?? 0,
      family: ofIpv6.has(json.id) || group.some(member => ofIpv6.has(member.id)) ? 6 : 4,
      gateway: string(json.gateway),
      dev: string(json.dev),
      onlink: strings(json.flags).includes('onlink'),
      protocol: string(json.protocol),
      group,
      options: groupOptions(json),
      ...oddities(json, KNOWN),
    };
  });
}

const KNOWN = ['id', 'gateway', 'dev', 'scope', 'protocol', 'flags', 'group', 'type', 'resilient_args'];

/** Of a resilient group; how long it has been out of balance is a reading. */
function groupOptions(json: IpJson): string[] {
  if (json.type === undefined) return [];
  const settings = Object.entries(object(json.resilient_args)).filter(([key]) => key !== 'unbalanced_time');
  return ['type', String(json.type), ...settings.flatMap(([key, value]) => [key, String(value)])];
}
