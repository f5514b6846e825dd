import type { Drivers } from '../../drivers/drivers.js';
import type { IpJson } from '../../drivers/iproute2.js';
import type { FilterPlace } from '../../drivers/tc.js';
import { object, objects, string } from '../json.js';
import type { FirewallRule } from '../model.js';
import type { Replaced } from './effect.js';

/** Traffic control on the uplinks, and elsewhere what redirects to them: two processes at most. */
export async function trafficControl(uplinks: readonly Replaced[], { tc }: Drivers): Promise<FirewallRule[]> {
  const qdiscs = await tc.qdiscs();
  const isUplink = ({ dev }: FilterPlace) => uplinks.some(({ device }) => device === dev);
  // Theirs first: they are there, while another device may go at any time.
  const places = filterPlaces(qdiscs).sort((a, b) => Number(isUplink(b)) - Number(isUplink(a)));
  const filters = await tc.filters(places);
  return [
    ...qdiscRules(qdiscs, uplinks),
    ...places.flatMap((place, i) => filterRules(place, filters[i] ?? [], uplinks)),
  ];
}

/** Where there can be filters. A qdisc that somebody put there has a handle; the kernel's own have none. */
export function filterPlaces(qdiscs: readonly IpJson[]): FilterPlace[] {
  return qdiscs.flatMap(({ kind, dev, handle, root }): FilterPlace[] => {
    const name = string(dev);
    if (name === null) return [];
    if (kind === 'clsact')
      return [
        { dev: name, at: 'ingress' },
        { dev: name, at: 'egress' },
      ];
    if (kind === 'ingress') return [{ dev: name, at: 'ingress' }];
    return root === true && handle !== '0:' ? [{ dev: name, at: 'root' }] : [];
  });
}

/** Queues that somebody gave an uplink: the guests' frames stand in them as well. */
export const qdiscRules = (qdiscs: readonly IpJson[], uplinks: readonly Replaced[]): FirewallRule[] =>
  uplinks.flatMap(({ device }) =>
    qdiscs
      .filter(({ dev, root, handle }) => dev === device && root === true && handle !== '0:')
      .map(({ kind, handle }) => ({
        device,
        where: `tc qdisc ${kind} ${handle}`,
        text: 'root',
        effect: 'sees-guests' as const,
      })),
  );

/** The filters of one place: all of an uplink's own, elsewhere those that send to an uplink. */
export function filterRules(
  { dev, at }: FilterPlace,
  filters: readonly IpJson[],
  uplinks: readonly Replaced[],
): FirewallRule[] {
  // What tc lists without options, or with a hash table alone, is the head of a list.
  const real = filters.filter(({ options }) => options !== undefined && !('ht_divisor' in object(options)));
  return real.flatMap(({ kind, pref, options }) =>
    uplinks.flatMap(({ device }): FirewallRule[] => {
      const where = `tc filter ${kind} on ${dev}, ${at}, pref ${pref}`;
      const sent = objects(object(options).actions).find(({ to_dev }) => to_dev === device);
      if (dev === device) return [{ device, where, text: 'runs before the bridge', effect: 'sees-guests' }];
      if (!sent) return [];
      const text = `${sent.kind} ${sent.mirred_action} ${sent.direction} to ${device}: past the bridge`;
      return [{ device, where, text, effect: 'sees-guests' }];
    }),
  );
}
