import type { Address, HostState, Neighbour, Nexthop, Route, Rule } from '../host/model.js';
import { ADDRESS_BITS, type Cidr, contains, parseCidr } from '../lab/cidr.js';
import { type Advertised, advertisedOn, standIns } from './advertised.js';
import {
  addressAdd,
  moveRule,
  objectRouteWords,
  type Rename,
  routeAdd,
  routeWords,
  words,
} from './ip-words.js';
import type { StandIn } from './model.js';
import { byNexthop, nexthopsOn, nexthopWords } from './nexthops.js';

/** Everything by which a host is reached through one interface. */
export interface Identity {
  /** The device it was observed on, by which routes, rules and labels name it. */
  readonly on: string;
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly neighbours: readonly Neighbour[];
  /** Prefix routes of IPv6 addresses that run out: they may outlive the address, and stay behind unless deleted. */
  readonly expiring: readonly Route[];
  /** Nexthop objects, groups last. */
  readonly nexthops: readonly Nexthop[];
  /** Routers whose default routes the kernel learned; `routes` has these as well. */
  readonly advertised: readonly Advertised[];
}

/** The lines that move an identity; IPv6 routes and rules need a batch of their own (`ip -6`). */
export interface MoveLines {
  /** Run while both devices have their carrier, without which the kernel drops nexthop objects and their routes. */
  readonly first: readonly string[];
  /** Run before the device changes hands. */
  readonly leave: readonly string[];
  readonly arrive: readonly string[];
  readonly arrive6: readonly string[];
  /** Last, of both families: what needs nexthop objects of IPv6, and `ip -6` does not take. */
  readonly late: readonly string[];
}

/** An identity with nothing in it. */
export const nothingOn = (dev: string): Identity => ({
  on: dev,
  addresses: [],
  routes: [],
  rules: [],
  neighbours: [],
  expiring: [],
  nexthops: [],
  advertised: [],
});

/** What names `dev`, without what the kernel makes again by itself once the addresses are there. */
export function identityOf(host: HostState, dev: string): Identity {
  const addresses = host.links.find(link => link.name === dev)?.addresses ?? [];
  return {
    on: dev,
    addresses,
    routes: host.routes.filter(route => names(route, dev) && !followsFrom(route, addresses) && !route.odd),
    rules: host.rules.filter(rule => (rule.iif === dev || rule.oif === dev) && !rule.odd),
    neighbours: host.neighbours.filter(entry => entry.dev === dev),
    expiring: host.routes.filter(
      route => route.dev === dev && route.family === 6 && followsFrom(route, addresses.filter(runsOut)),
    ),
    nexthops: nexthopsOn(host, dev).filter(nexthop => !nexthop.odd),
    advertised: advertisedOn(host, dev),
  };
}

const names = (route: Route, dev: string) => route.dev === dev || route.nexthops.some(hop => hop.dev === dev);

const runsOut = (address: Address) => address.validLifetime !== null;

/** A prefix route that `ip address add` brings along: to the subnet of an address, or to its peer; IPv6 makes both. */
function followsFrom(route: Route, addresses: readonly Address[]): boolean {
  if (route.protocol !== 'kernel' || route.gateway || route.table !== 'main') return false;
  const subnet = parseCidr(
    route.dst.includes('/') ? route.dst : `${route.dst}/${ADDRESS_BITS[route.family]}`,
  );
  return addresses.some(address => {
    if (address.flags.includes('noprefixroute') || !subnet) return false;
    return reachedBy(address).some(reached => subnet.prefix === reached.prefix && contains(subnet, reached));
  });
}

/** Linux: inet6_addr_add and fib_add_ifaddr. */
function reachedBy({ family, local, peer, prefix }: Address): Cidr[] {
  const texts =
    family === 6 && peer !== null
      ? [`${local}/${prefix}`, `${peer}/${ADDRESS_BITS[6]}`]
      : [`${peer ?? local}/${prefix}`];
  return texts.map(parseCidr).filter(cidr => cidr !== null);
}

/**
 * Lines that take an identity from one device to another. IPv4 routes and neighbours leave with the last
 * address; IPv6 routes stay behind and are deleted by name.
 */
export function moveIdentity(identity: Identity, from: string, to: string): MoveLines {
  const named = (device: string) => (name: string) => (name === identity.on ? device : name);
  const [there, here] = [named(to), named(from)];
  const byObject = identity.routes.filter(byNexthop);
  const places = placesOf(identity);
  /** Nexthop objects that can be put there now, then the routes that use them. */
  const objects = (place: Place) => [
    ...identity.nexthops
      .filter(nexthop => places.ofNexthop(nexthop) === place)
      .map(it => nexthopWords(it, there)),
    ...byObject
      .filter(route => places.ofRoute(route) === place)
      .map(route => words('route append', objectRouteWords(route))),
  ];
  const plain = (family: 4 | 6) =>
    identity.routes.filter(route => route.family === family && !byNexthop(route));
  const learned = identity.advertised.flatMap(router => router.routes);
  const six = plain(6);
  const again6 = [...six.filter(route => !learned.includes(route)), ...standIns(identity.advertised, to)];
  const rules = (family: 4 | 6) =>
    identity.rules.filter(rule => rule.family === family).flatMap(rule => moveRule(rule, here, there));
  return {
    first: byObject.map(route => words('route del', objectRouteWords(route))),
    leave: [
      // Before the flush: whether it takes such a route along depends on which address goes last.
      ...identity.expiring.map(route => words('route del', routeWords(route, here))),
      ...(identity.addresses.length > 0 ? [`address flush dev ${from}`] : []),
    ],
    arrive: [
      ...inOrder(identity.addresses).map(address => addressAdd(address, identity.on, to)),
      ...inReach(plain(4), objects('arrive'), there),
      ...rules(4),
      ...identity.neighbours.map(
        entry => `neigh replace ${entry.dst} lladdr ${entry.mac} dev ${to} nud permanent`,
      ),
    ],
    arrive6: [
      ...six.map(route => words('route del', routeWords(route, here))),
      ...inReach(again6, objects('arrive6'), there),
      ...rules(6),
    ],
    late: objects('late'),
  };
}

type Place = 'arrive' | 'arrive6' | 'late';

/**
 * Where the lines of nexthop objects and their routes stand. `ip -6` takes no group; a group needs its members, and an
 * IPv4 route may lead by way of an IPv6 object.
 */
function placesOf({ nexthops }: Identity) {
  const ofNexthop = ({ family, group }: Nexthop): Place =>
    family === 4 ? 'arrive' : group.length > 0 ? 'late' : 'arrive6';
  const ofRoute = (route: Route): Place => {
    const nexthop = nexthops.find(({ id }) => id === route.nhid);
    const place = nexthop ? ofNexthop(nexthop) : 'arrive';
    return place === 'arrive6' && route.family === 4 ? 'late' : place;
  };
  return { ofNexthop, ofRoute };
}

/**
 * For an undo: a move that stopped half-way may have deleted a prefix route, and not its address yet. Added again, the
 * addresses bring their routes along.
 */
export const startAfresh = ({ expiring }: Identity, dev: string): string[] =>
  expiring.length > 0 ? [`address flush dev ${dev}`] : [];

/** The lines that delete what stands in on `dev` for routes that the kernel learns anew there. */
export const standInsOf = ({ advertised }: Identity, dev: string): StandIn[] =>
  standIns(advertised, dev).map((route, i) => ({
    gateway: route.gateway ?? '',
    metric: advertised[i]?.metric ?? 0,
    line: words(
      'route del',
      routeWords(route, name => name),
    ),
  }));

/** Routes without a gateway come first: a gateway must be reachable by then, a nexthop object's as well. */
const inReach = (routes: readonly Route[], objects: readonly string[], device: Rename): string[] => [
  ...routes.filter(route => !viaGateway(route)).map(route => routeAdd(route, device)),
  ...objects,
  ...routes.filter(viaGateway).map(route => routeAdd(route, device)),
];

const viaGateway = (route: Route) =>
  route.gateway !== null || route.via !== null || route.nexthops.some(hop => hop.gateway !== null);

/** The order to add in: the kernel appends IPv4 addresses, but puts an IPv6 one before its like. */
function inOrder(addresses: readonly Address[]): Address[] {
  const six = addresses.filter(address => address.family === 6).reverse();
  // Link-local ones stand last wherever they are added; with one, the kernel solicits routers, and their answer would
  // find the other addresses half there.
  const isLink = ({ scope }: Address) => scope === 'link';
  return [
    ...six.filter(address => !isLink(address)),
    ...six.filter(isLink),
    ...addresses.filter(address => address.family === 4),
  ];
}

/** The host as it will be once an interface's identity has moved: what named it names the other one. */
export function afterMove(host: HostState, from: string, to: string): HostState {
  const device = (name: string) => (name === from ? to : name);
  const maybe = (name: string | null) => (name === null ? null : device(name));
  const addresses = host.links.find(link => link.name === from)?.addresses ?? [];
  return {
    ...host,
    links: host.links.map(link =>
      link.name === from
        ? { ...link, addresses: [] }
        : link.name === to
          ? { ...link, addresses: [...link.addresses, ...addresses] }
          : link,
    ),
    routes: host.routes.map(route => ({
      ...route,
      dev: maybe(route.dev),
      nexthops: route.nexthops.map(hop => ({ ...hop, dev: device(hop.dev) })),
    })),
    rules: host.rules.map(rule => ({ ...rule, iif: maybe(rule.iif), oif: maybe(rule.oif) })),
    neighbours: host.neighbours.map(entry => ({ ...entry, dev: device(entry.dev) })),
    nexthops: host.nexthops.map(nexthop => ({ ...nexthop, dev: maybe(nexthop.dev) })),
  };
}
