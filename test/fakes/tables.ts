import type { Neighbour, Nexthop, Route, Rule } from '../../src/host/model.js';
import { parseCidr } from '../../src/lab/cidr.js';
import { contains, withPrefix } from './addresses.js';
import { familyOf } from './words.js';

/** Routes, rules and permanent neighbours of a fake kernel, with what Linux refuses about them. */
export abstract class FakeTables {
  routes: Route[] = [];
  rules: Rule[] = [];
  neighbours: Neighbour[] = [];
  nexthops: Nexthop[] = [];

  /** Throws where there is no such device. */
  abstract link(name: string): { readonly up: boolean };

  addRoute(given: Route, how: 'append' | 'replace' | 'add'): void {
    const route = this.#resolved(given);
    for (const hop of route.nexthops.length > 0 ? route.nexthops : [route]) this.#checkHop(hop, route);
    const like = this.routes.findIndex(other => sameKey(other, route));
    if (how === 'replace' && like !== -1) {
      this.routes[like] = route;
      return;
    }
    if ((how === 'add' && like !== -1) || this.hasRoute(route))
      throw new Error('RTNETLINK answers: File exists');
    this.routes.push(route);
  }

  /** With the hops of the nexthop object that it uses, as ip shows it. */
  #resolved(route: Route): Route {
    if (route.nhid === undefined) return route;
    const nexthop = this.nexthops.find(({ id }) => id === route.nhid);
    if (!nexthop) throw new Error('Error: Nexthop id does not exist.');
    const hop = ({ gateway, dev, family }: Nexthop) =>
      family === 6 && route.family === 4 && gateway !== null
        ? { gateway: null, via: { family: 'inet6', host: gateway }, dev }
        : { gateway, via: null, dev };
    if (nexthop.group.length === 0) return { ...route, ...hop(nexthop) };
    const nexthops = nexthop.group.flatMap(({ id, weight }) =>
      this.nexthops
        .filter(member => member.id === id)
        .map(({ gateway, dev, onlink }) => ({ gateway, dev: dev ?? '', weight, onlink })),
    );
    return { ...route, nexthops };
  }

  replaceNexthop(nexthop: Nexthop): void {
    if (nexthop.dev !== null && !this.link(nexthop.dev).up)
      throw new Error('Error: Nexthop device is not up.');
    if (nexthop.group.some(({ id }) => !this.nexthops.some(other => other.id === id)))
      throw new Error('Error: Invalid nexthop id.');
    if (nexthop.gateway && !nexthop.onlink && !nexthop.gateway.startsWith('fe80:'))
      this.#checkReach(nexthop.gateway, nexthop.dev ?? '');
    const at = this.nexthops.findIndex(({ id }) => id === nexthop.id);
    if (at === -1) this.nexthops.push(nexthop);
    else this.nexthops[at] = nexthop;
    this.nexthops.sort((a, b) => a.id - b.id);
    this.routes = this.routes.map(route => this.#resolved(route));
  }

  /** Without its device a nexthop object goes, from its groups too, and with it the routes that use it. */
  protected dropNexthops(dev: string): void {
    const gone = this.nexthops.filter(nexthop => nexthop.dev === dev).map(({ id }) => id);
    this.nexthops = this.nexthops
      .filter(({ id }) => !gone.includes(id))
      .map(nexthop => ({ ...nexthop, group: nexthop.group.filter(({ id }) => !gone.includes(id)) }))
      .filter(({ dev: on, group }) => on !== null || group.length > 0);
    this.routes = this.routes
      .filter(({ nhid }) => nhid === undefined || this.nexthops.some(({ id }) => id === nhid))
      .map(route => this.#resolved(route));
  }

  protected hasRoute(route: Route): boolean {
    return this.routes.some(other => sameHop(other, route));
  }

  #checkHop(hop: { gateway: string | null; dev: string | null; onlink: boolean }, route: Route): void {
    if (hop.dev === null) return;
    if (!this.link(hop.dev).up) throw new Error('Error: Device for nexthop is not up.');
    const { gateway } = hop;
    if (gateway === null || hop.onlink || gateway.startsWith('fe80:')) return;
    if (route.family === familyOf(gateway)) this.#checkReach(gateway, hop.dev);
  }

  #checkReach(gateway: string, dev: string): void {
    const reached = this.routes.some(
      other =>
        other.dev === dev && other.gateway === null && other.table === 'main' && contains(other.dst, gateway),
    );
    if (!reached) throw new Error('Error: Nexthop has invalid gateway.');
  }

  deleteRoute(route: Route): void {
    const at = this.routes.findIndex(other =>
      route.nhid === undefined ? sameHop(other, route) : sameKey(other, route) && other.nhid === route.nhid,
    );
    if (at === -1) throw new Error('RTNETLINK answers: No such process');
    this.routes.splice(at, 1);
  }

  /** What is left of a route by several hops stays, and is what `route replace` meets. */
  protected dropRoutes(dev: string, family: 4 | 6): void {
    this.routes = this.routes.flatMap(route => {
      if (route.family !== family) return [route];
      if (route.nhid !== undefined) return [route];
      if (route.dev === dev) return [];
      const hops = route.nexthops.filter(hop => hop.dev !== dev);
      if (hops.length === route.nexthops.length) return [route];
      return hops.length === 0 ? [] : [{ ...route, nexthops: hops }];
    });
  }

  addRule(rule: Rule): void {
    if (this.rules.some(other => same(other, rule))) throw new Error('RTNETLINK answers: File exists');
    this.rules.push(rule);
  }

  deleteRule(rule: Rule): void {
    const at = this.rules.findIndex(other => same(other, rule));
    if (at === -1) throw new Error('RTNETLINK answers: No such file or directory');
    this.rules.splice(at, 1);
  }

  replaceNeighbour(entry: Neighbour): void {
    this.link(entry.dev);
    this.neighbours = this.neighbours.filter(({ dst, dev }) => dst !== entry.dst || dev !== entry.dev);
    this.neighbours.push(entry);
  }

  /** Tables after one another; IPv4 by destination, so the default route first, IPv6 with the default last. */
  sortedRoutes(): Route[] {
    const value = ({ dst }: Route) => (dst === 'default' ? -1n : (parseCidr(withPrefix(dst))?.network ?? 0n));
    const rank = (route: Route) =>
      route.family === 6 && route.dst === 'default' ? 1n << 129n : value(route);
    return [...this.routes].sort(
      (a, b) =>
        a.family - b.family ||
        a.table.localeCompare(b.table) ||
        Number(rank(a) > rank(b)) - Number(rank(a) < rank(b)),
    );
  }
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const sameKey = (a: Route, b: Route) =>
  a.family === b.family && a.table === b.table && a.dst === b.dst && a.metric === b.metric;

const sameHop = (a: Route, b: Route) =>
  sameKey(a, b) &&
  a.type === b.type &&
  a.dev === b.dev &&
  a.gateway === b.gateway &&
  same(a.via, b.via) &&
  same(a.nexthops, b.nexthops);
