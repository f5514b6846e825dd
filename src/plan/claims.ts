import type { HostState, Route } from '../host/model.js';
import { ADDRESS_BITS, type Cidr, isLinkLocal, parseCidr, subnetText } from '../lab/cidr.js';
import type { Bridge, Lab } from '../lab/model.js';
import { staticCidrs } from './bridge-addresses.js';
import { bridgeName } from './links.js';

// Who has which subnet: on the host, in other labs, and in libvirt.

/** A subnet that is somebody's. */
export interface Claim {
  readonly subnet: Cidr;
  /** For people: `the route 10.0.0.0/8 via 192.0.2.9 dev eth0`. */
  readonly who: string;
}

export const overlap = (
  a: Pick<Cidr, 'family' | 'network' | 'last'>,
  b: Pick<Cidr, 'family' | 'network' | 'last'>,
) => a.family === b.family && a.network <= b.last && b.network <= a.last;

/** All that a new subnet may not touch; what the lab's own bridges have now does not count. */
export function claimsOf(lab: Lab, host: HostState): Claim[] {
  const own = new Set(
    lab.bridges.filter(({ address }) => address.mode === 'auto').map(bridge => bridgeName(bridge, host)),
  );
  return [
    ...host.routes
      .filter(route => !devicesOf(route).some(dev => own.has(dev)))
      .flatMap(route => routeClaim(route) ?? []),
    ...host.links.filter(({ name }) => !own.has(name)).flatMap(addressClaims),
    ...otherLabs(lab, host).flatMap(labClaims),
    ...libvirtClaims(host),
    ...labClaims(lab).filter(({ subnet }) => subnet.family === 4),
  ];
}

/** The part of the world that a route leads to; null for all of it, and for what is on every link. */
export function routeClaim(route: Route): Claim | null {
  const subnet = parseCidr(
    route.dst.includes('/') ? route.dst : `${route.dst}/${ADDRESS_BITS[route.family]}`,
  );
  if (subnet === null || isWholeWorld(subnet) || isLinkLocal(subnet)) return null;
  return { subnet, who: `the route ${routeText(route)}` };
}

export const devicesOf = (route: Route): string[] =>
  route.dev === null ? route.nexthops.map(({ dev }) => dev) : [route.dev];

export const routeText = (route: Route) => {
  const devices = devicesOf(route);
  return [
    ...(route.type === 'unicast' ? [] : [route.type]),
    route.dst,
    ...(route.gateway ? ['via', route.gateway] : []),
    ...(devices.length > 0 ? ['dev', devices.join(' and ')] : []),
    ...(route.table === 'main' ? [] : ['table', route.table]),
  ].join(' ');
};

/** A default route, or what VPNs write instead of one (0.0.0.0/1 and 128.0.0.0/1; 2000::/3): anything is more specific. */
const isWholeWorld = ({ family, prefix }: Cidr) => prefix <= (family === 4 ? 1 : 3);

function addressClaims({ name, addresses }: HostState['links'][number]): Claim[] {
  return addresses.flatMap(({ local, prefix, peer }) =>
    [`${local}/${prefix}`, ...(peer === null ? [] : [`${peer.split('/')[0]}/${prefix}`])].flatMap(text => {
      const subnet = parseCidr(text);
      return subnet === null || isLinkLocal(subnet)
        ? []
        : [{ subnet, who: `the address ${text} of ${name}` }];
    }),
  );
}

/** Labs that are up, or will be again after a reboot. */
const otherLabs = (lab: Lab, host: HostState): Lab[] =>
  host.records.filter(({ name }) => name !== lab.name).map(record => record.lab);

/** The subnets of a lab's bridges, and of guests on bridges of its own. */
function labClaims(lab: Lab): Claim[] {
  const guests = (bridge: Bridge) =>
    lab.vms.flatMap(vm => vm.nics.filter(nic => nic.bridge === bridge.name).flatMap(nic => nic.addresses));
  return lab.bridges.flatMap(bridge =>
    [...staticCidrs(bridge), ...(bridge.uplink === null && !bridge.permanent ? guests(bridge) : [])]
      .flatMap(cidr => parseCidr(cidr) ?? [])
      .map(subnet => ({
        subnet,
        who: `bridge ${bridge.name} of the lab ${lab.name} (${subnetText(subnet)})`,
      })),
  );
}

/** Subnets that other labs gave their bridges, of bridges that this one is not shared with. */
export const claimsOfOthers = (bridge: Bridge, lab: Lab, host: HostState): Claim[] =>
  otherLabs(lab, host)
    .map(other => ({
      ...other,
      vms: [],
      bridges: other.bridges.filter(({ name }) => name !== bridge.name),
    }))
    .flatMap(labClaims);

export const libvirtClaims = (host: HostState): Claim[] =>
  (host.networks ?? []).flatMap(({ name, cidrs }) =>
    cidrs
      .flatMap(cidr => parseCidr(cidr) ?? [])
      .map(subnet => ({ subnet, who: `libvirt's network ${name} (${subnetText(subnet)})` })),
  );
