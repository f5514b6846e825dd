import type { HostState, Nexthop, Route } from '../host/model.js';

// Nexthop objects (ip-nexthop(8)). One that is replaced takes the routes that use it along; but the kernel drops those of a
// link that is without a carrier for a moment, and with them their routes: so both are always put there again.

/** The objects on a device, then the groups that they are in. */
export function nexthopsOn(host: HostState, dev: string): Nexthop[] {
  const single = host.nexthops.filter(nexthop => nexthop.dev === dev);
  const ids = new Set(single.map(({ id }) => id));
  return [...single, ...host.nexthops.filter(({ group }) => group.some(({ id }) => ids.has(id)))];
}

export const byNexthop = (route: Route): boolean => route.nhid !== undefined;

/** Words that put an object there, whatever is there now. */
export function nexthopWords(nexthop: Nexthop, device: (name: string) => string): string {
  const { id, gateway, dev, onlink, protocol, group, options } = nexthop;
  const members = group.map(member =>
    member.weight === 1 ? `${member.id}` : `${member.id},${member.weight}`,
  );
  return [
    `nexthop replace id ${id}`,
    ...(gateway ? [`via ${gateway}`] : []),
    ...(dev ? [`dev ${device(dev)}`] : []),
    ...(members.length > 0 ? [`group ${members.join('/')}`] : []),
    ...options,
    ...(onlink ? ['onlink'] : []),
    ...(protocol && protocol !== 'unspec' ? [`proto ${protocol}`] : []),
  ].join(' ');
}
