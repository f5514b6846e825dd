import type { Address, Neighbour, Route, Rule } from '../../src/host/model.js';
import { parseCidr } from '../../src/lab/cidr.js';
import { contains, inserted, linkLocalOf, prefixOf, sameSubnet, withPrefix } from './addresses.js';
import { familyOf } from './words.js';

/** A link as the fake kernel keeps it. */
export interface FakeLink {
  name: string;
  readonly index: number;
  readonly kind: string | null;
  readonly type: string;
  mac: string;
  mtu: number;
  up: boolean;
  /** Has the wire a carrier? Bridges and taps take it from their own state. */
  carrier: boolean;
  master: string | null;
  readonly altnames: string[];
  alias: string | null;
  readonly tap: { vnetHdr: boolean; multiQueue: boolean; persist: boolean } | null;
  readonly bridge: { stp: boolean; forwardDelay: number; multicastSnooping: boolean } | null;
  /** A bridge whose MTU was set after it was made keeps it; any other takes its ports' lowest (br_mtu_auto_adjust). */
  mtuIsSet: boolean;
  addresses: Address[];
}

const MODES = ['eui64', 'none', 'stable_secret', 'random'];

/**
 * As much of Linux's networking as a plan of vmnet can meet, with the ways of the kernel that a plan has to know:
 * what a flush takes along, in which order addresses stand, what is refused.
 */
export class FakeKernel {
  links: FakeLink[] = [];
  routes: Route[] = [];
  rules: Rule[] = [];
  neighbours: Neighbour[] = [];
  readonly sysctls = new Map<string, string>();
  #lastIndex = 0;

  add(link: Pick<FakeLink, 'name' | 'kind' | 'mac'> & Partial<FakeLink>): FakeLink {
    if (this.links.some(({ name }) => name === link.name)) throw new Error('RTNETLINK answers: File exists');
    const made: FakeLink = {
      index: ++this.#lastIndex,
      type: 'ether',
      mtu: 1500,
      up: false,
      carrier: true,
      master: null,
      alias: null,
      altnames: [],
      tap: null,
      bridge: null,
      mtuIsSet: false,
      addresses: [],
      ...link,
    };
    this.links.push(made);
    for (const [key, value] of this.#conf('default'))
      this.sysctls.set(`net/ipv6/conf/${made.name}/${key}`, value);
    return made;
  }

  #conf(name: string): [string, string][] {
    const start = `net/ipv6/conf/${name}/`;
    return [...this.sysctls].flatMap(([path, value]) =>
      path.startsWith(start) ? [[path.slice(start.length), value] as [string, string]] : [],
    );
  }

  link(name: string): FakeLink {
    const found = this.links.find(link => link.name === name || link.altnames.includes(name));
    if (!found) throw new Error(`Cannot find device "${name}"`);
    return found;
  }

  remove(name: string): void {
    const link = this.link(name);
    this.setDown(link);
    this.links = this.links.filter(other => other !== link);
    for (const port of this.links) if (port.master === link.name) port.master = null;
    this.neighbours = this.neighbours.filter(entry => entry.dev !== link.name);
    for (const [key] of this.#conf(link.name)) this.sysctls.delete(`net/ipv6/conf/${link.name}/${key}`);
    this.#adjustMtu(link.master);
  }

  setUp(link: FakeLink): void {
    if (link.up) return;
    link.up = true;
    for (const address of link.addresses) this.#addPrefixRoute(link, address);
    const mode = this.sysctls.get(`net/ipv6/conf/${link.name}/addr_gen_mode`);
    if (mode === '0' && link.type === 'ether' && link.master === null)
      this.addAddress(link.name, linkLocalOf(link.mac));
  }

  /** IPv4 addresses stay, their routes do not; IPv6 loses both. */
  setDown(link: FakeLink): void {
    link.up = false;
    link.addresses = link.addresses.filter(({ family }) => family === 4);
    this.#dropRoutes(link.name, 4);
    this.#dropRoutes(link.name, 6);
  }

  setAddrGenMode(link: FakeLink, mode: string): void {
    if (!MODES.includes(mode)) throw new Error(`invalid addrgenmode ${mode}`);
    this.sysctls.set(`net/ipv6/conf/${link.name}/addr_gen_mode`, String(MODES.indexOf(mode)));
  }

  setMaster(link: FakeLink, master: string | null): void {
    if (link.bridge) throw new Error('RTNETLINK answers: Too many levels of symbolic links');
    const former = link.master;
    const name = master === null ? null : this.link(master).name;
    if (name !== null && !this.link(name).bridge)
      throw new Error('RTNETLINK answers: Operation not supported');
    link.master = name;
    this.#adjustMtu(former);
    this.#adjustMtu(link.master);
  }

  setMtu(link: FakeLink, mtu: number): void {
    link.mtu = mtu;
    link.mtuIsSet = true;
    this.#adjustMtu(link.master);
  }

  #adjustMtu(name: string | null): void {
    const bridge = this.links.find(link => link.name === name);
    if (!bridge || bridge.mtuIsSet) return;
    const ports = this.links.filter(link => link.master === name).map(link => link.mtu);
    bridge.mtu = ports.length > 0 ? Math.min(...ports) : 1500;
  }

  setStp(link: FakeLink, on: boolean): void {
    if (!link.bridge) throw new Error('RTNETLINK answers: Operation not supported');
    link.bridge.stp = on;
    if (on) link.bridge.forwardDelay = Math.max(2, link.bridge.forwardDelay);
  }

  setForwardDelay(link: FakeLink, seconds: number): void {
    if (!link.bridge) throw new Error('RTNETLINK answers: Operation not supported');
    if (link.bridge.stp && (seconds < 2 || seconds > 30))
      throw new Error('RTNETLINK answers: Numerical result out of range');
    link.bridge.forwardDelay = seconds;
  }

  addAddress(dev: string, address: Address): void {
    const link = this.link(dev);
    if (link.addresses.some(({ local, prefix }) => local === address.local && prefix === address.prefix))
      throw new Error('RTNETLINK answers: File exists');
    const secondary = address.family === 4 && link.addresses.some(other => sameSubnet(other, address));
    link.addresses = inserted(link.addresses, address, secondary);
    if (link.up && !secondary) this.#addPrefixRoute(link, address);
  }

  deleteAddress(dev: string, cidr: string): void {
    const link = this.link(dev);
    const address = link.addresses.find(({ local, prefix }) => `${local}/${prefix}` === cidr);
    if (!address) throw new Error('RTNETLINK answers: Cannot assign requested address');
    link.addresses = link.addresses.filter(other => other !== address);
    this.#routesLeave(link, [address]);
  }

  flush(dev: string): void {
    const link = this.link(dev);
    const gone = link.addresses;
    link.addresses = [];
    this.#routesLeave(link, gone);
  }

  #routesLeave(link: FakeLink, gone: readonly Address[]): void {
    const four = link.addresses.some(({ family }) => family === 4);
    if (!four && gone.some(({ family }) => family === 4)) {
      this.#dropRoutes(link.name, 4);
      this.neighbours = this.neighbours.filter(entry => entry.dev !== link.name || familyOf(entry.dst) === 6);
    }
    for (const address of gone) {
      const dst = prefixOf(address);
      // An address that runs out leaves its prefix route behind.
      const drops = address.family === 4 || address.validLifetime === null;
      const still = link.addresses.some(other => prefixOf(other) === dst);
      if (drops && !still)
        this.routes = this.routes.filter(
          route =>
            route.dev !== link.name ||
            route.dst !== dst ||
            route.protocol !== 'kernel' ||
            (route.family === 4 && route.prefsrc !== address.local),
        );
    }
    const locals = new Set(gone.map(({ local }) => local));
    this.routes = this.routes.map(route =>
      route.family === 6 && route.prefsrc && locals.has(route.prefsrc) ? { ...route, prefsrc: null } : route,
    );
  }

  #dropRoutes(dev: string, family: 4 | 6): void {
    this.routes = this.routes.flatMap(route => {
      if (route.family !== family) return [route];
      if (route.dev === dev) return [];
      const hops = route.nexthops.filter(hop => hop.dev !== dev);
      if (hops.length === route.nexthops.length) return [route];
      return hops.length === 0 ? [] : [{ ...route, nexthops: hops }];
    });
  }

  #addPrefixRoute(link: FakeLink, address: Address): void {
    const whole = address.prefix === (address.family === 4 ? 32 : 128);
    if (address.flags.includes('noprefixroute')) return;
    if (address.family === 4 && whole && address.peer === null) return;
    const route: Route = {
      family: address.family,
      type: 'unicast',
      dst: prefixOf(address),
      table: 'main',
      gateway: null,
      via: null,
      dev: link.name,
      protocol: 'kernel',
      scope: address.family === 4 ? 'link' : 'global',
      prefsrc: address.family === 4 ? address.local : null,
      src: null,
      metric: address.metric ?? (address.family === 6 ? 256 : null),
      onlink: false,
      metrics: [],
      nexthops: [],
      pref: address.family === 6 ? 'medium' : null,
    };
    if (!this.routes.some(other => sameHop(other, route))) this.routes.push(route);
  }

  addRoute(route: Route, how: 'append' | 'replace' | 'add'): void {
    for (const hop of route.nexthops.length > 0 ? route.nexthops : [route]) this.#checkHop(hop, route);
    const like = this.routes.findIndex(other => sameKey(other, route));
    if (how === 'replace' && like !== -1) {
      this.routes[like] = route;
      return;
    }
    if ((how === 'add' && like !== -1) || this.routes.some(other => sameHop(other, route)))
      throw new Error('RTNETLINK answers: File exists');
    this.routes.push(route);
  }

  #checkHop(hop: { gateway: string | null; dev: string | null; onlink: boolean }, route: Route): void {
    if (hop.dev === null) return;
    if (!this.link(hop.dev).up) throw new Error('Error: Device for nexthop is not up.');
    const { gateway } = hop;
    if (gateway === null || hop.onlink || gateway.startsWith('fe80:')) return;
    const reached = this.routes.some(
      other =>
        other.dev === hop.dev &&
        other.gateway === null &&
        other.table === 'main' &&
        contains(other.dst, gateway),
    );
    if (!reached && route.family === familyOf(gateway))
      throw new Error('Error: Nexthop has invalid gateway.');
  }

  deleteRoute(route: Route): void {
    const at = this.routes.findIndex(other => sameHop(other, route));
    if (at === -1) throw new Error('RTNETLINK answers: No such process');
    this.routes.splice(at, 1);
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
