import type { Address, PortVlan, Route } from '../../src/host/model.js';
import { inserted, linkLocalOf, prefixRoutes, sameSubnet } from './addresses.js';
import { FakeTables } from './tables.js';
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
  /** Of a bridge port. */
  isolated: boolean;
  readonly altnames: string[];
  alias: string | null;
  readonly tap: { vnetHdr: boolean; multiQueue: boolean; persist: boolean } | null;
  readonly bridge: {
    stp: boolean;
    forwardDelay: number;
    multicastSnooping: boolean;
    vlanFiltering?: true;
    defaultPvid?: number;
  } | null;
  readonly tun?: { owner: string | null; group: string | null; multiQueue: boolean };
  readonly macvlan?: { lower: string | null; mode: string };
  /** Made by Open vSwitch. */
  ovs?: boolean;
  /** A bridge whose MTU was set after it was made keeps it; any other takes its ports' lowest (br_mtu_auto_adjust). */
  mtuIsSet: boolean;
  addresses: Address[];
}

const MODES = ['eui64', 'none', 'stable_secret', 'random'];

/**
 * As much of Linux's networking as a plan of vmnet can meet, with the ways of the kernel that a plan has to know:
 * what a flush takes along, in which order addresses stand, what is refused.
 */
export class FakeKernel extends FakeTables {
  links: FakeLink[] = [];
  readonly sysctls = new Map<string, string>();
  /** Of bridge ports, and of bridges themselves. */
  readonly vlans = new Map<string, PortVlan[]>();
  /** Who advertises a default route on which wire. */
  readonly routers: { wire: string; route: Route }[] = [];
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
      isolated: false,
      alias: null,
      altnames: [],
      tap: null,
      bridge: null,
      mtuIsSet: false,
      addresses: [],
      ...link,
    };
    this.links.push(made);
    for (const [path, value] of this.#conf('default'))
      this.sysctls.set(path.replace('/default/', `/${made.name}/`), value);
    return made;
  }

  #conf(name: string): [string, string][] {
    return [...this.sysctls].filter(([path]) => path.split('/')[3] === name);
  }

  /** Routers that something stands in for say that they are there, wherever their wire leads now. */
  advertise(): { dev: string; gateway: string | null; metric: number | null; protocol: string | null }[] {
    for (const { wire, route } of this.routers) {
      const port = this.links.find(({ name }) => name === wire);
      const dev = port?.master ?? wire;
      if (!port?.up || this.sysctls.get(`net/ipv6/conf/${dev}/accept_ra`) === '0') continue;
      const learned = { ...route, dev };
      const awaited = this.routes.some(
        other => other.dev === dev && other.gateway === route.gateway && other.protocol === 'ra',
      );
      if (awaited && !this.hasRoute(learned)) this.routes.push(learned);
    }
    return this.routes.flatMap(({ dst, dev, ...route }) =>
      dst === 'default' && dev ? [{ dev, ...route }] : [],
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
    this.vlans.delete(link.name);
    for (const port of this.links.filter(({ master }) => master === link.name)) {
      port.master = null;
      this.vlans.delete(port.name);
    }
    this.neighbours = this.neighbours.filter(entry => entry.dev !== link.name);
    for (const [path] of this.#conf(link.name)) this.sysctls.delete(path);
    this.#adjustMtu(link.master);
  }

  setUp(link: FakeLink): void {
    if (link.up) return;
    link.up = true;
    for (const address of link.addresses) this.#addPrefixRoutes(link, address);
    const mode = this.sysctls.get(`net/ipv6/conf/${link.name}/addr_gen_mode`);
    if (mode === '0' && link.type === 'ether' && link.master === null)
      this.addAddress(link.name, linkLocalOf(link.mac));
  }

  /** IPv4 addresses stay, their routes do not; IPv6 loses both. */
  setDown(link: FakeLink): void {
    link.up = false;
    link.addresses = link.addresses.filter(({ family }) => family === 4);
    this.dropNexthops(link.name);
    this.dropRoutes(link.name, 4);
    this.dropRoutes(link.name, 6);
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
    if (name !== former) this.vlans.delete(link.name);
    link.master = name;
    // The flag is the port's.
    link.isolated = false;
    // A bridge without ports has no carrier.
    if (former && !this.links.some(other => other.master === former)) this.dropNexthops(former);
    this.#adjustMtu(former);
    this.#adjustMtu(link.master);
  }

  /** The same MTU again is no change (netif_set_mtu_ext), and pins nothing. */
  setMtu(link: FakeLink, mtu: number): void {
    if (mtu === link.mtu) return;
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
    if (link.up && !secondary) this.#addPrefixRoutes(link, address);
  }

  /** Linux: __inet_del_ifa without promote_secondaries, its default: a primary takes its secondaries along. */
  deleteAddress(dev: string, cidr: string): void {
    const link = this.link(dev);
    const at = link.addresses.findIndex(({ local, prefix }) => `${local}/${prefix}` === cidr);
    const address = link.addresses[at];
    if (!address) throw new Error('RTNETLINK answers: Cannot assign requested address');
    const like = (other: Address) => address.family === 4 && sameSubnet(other, address);
    const isPrimary = !link.addresses.slice(0, at).some(like);
    const gone = link.addresses.filter(other => other === address || (isPrimary && like(other)));
    for (const one of gone.toReversed()) this.#addressLeaves(link, one);
  }

  /** One after another, in the order of the dump. */
  flush(dev: string): void {
    const link = this.link(dev);
    for (const address of link.addresses) this.#addressLeaves(link, address);
  }

  #addressLeaves(link: FakeLink, address: Address): void {
    link.addresses = link.addresses.filter(other => other !== address);
    const { family, local } = address;
    if (family === 4 && !link.addresses.some(other => other.family === 4)) {
      this.dropRoutes(link.name, 4);
      this.neighbours = this.neighbours.filter(entry => entry.dev !== link.name || familyOf(entry.dst) === 6);
    }
    // An IPv6 address that runs out leaves its prefix route behind (ipv6_del_addr).
    if (family === 4 || address.validLifetime === null) this.#prefixRoutesLeave(link, address);
    this.routes = this.routes.map(route =>
      route.family === 6 && route.prefsrc === local ? { ...route, prefsrc: null } : route,
    );
  }

  #prefixRoutesLeave(link: FakeLink, address: Address): void {
    const still = link.addresses.flatMap(other => prefixRoutes(link.name, other)).map(({ dst }) => dst);
    const gone = prefixRoutes(link.name, address).filter(({ dst }) => !still.includes(dst));
    this.routes = this.routes.filter(
      route =>
        !gone.some(
          ({ dst, prefsrc, protocol }) =>
            route.dev === link.name &&
            route.dst === dst &&
            route.protocol === protocol &&
            route.prefsrc === prefsrc,
        ),
    );
  }

  #addPrefixRoutes(link: FakeLink, address: Address): void {
    for (const route of prefixRoutes(link.name, address)) if (!this.hasRoute(route)) this.routes.push(route);
  }
}
