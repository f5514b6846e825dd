import { type Cidr, isLinkLocal, overlap, parseCidr, subnetText } from '../../lab/cidr.js';
import type { Bridge, Lab, LinkEnd, Nic } from '../../lab/model.js';
import { nicsOf } from '../../lab/nics.js';
import type { SandboxNic } from '../network.js';
import type { Node, Port, Route, Topology } from './model.js';

/** A lab on a throw-away host with these NICs. Addresses that are chosen or leased have to be in the lab already. */
export function topologyOf(lab: Lab, nics: readonly SandboxNic[]): Topology {
  return {
    nodes: [theLan(nics, lab), theHost(nics, lab), ...vmNodes(lab), ...namespaceNodes(lab)],
    modes: new Map(lab.bridges.flatMap(bridge => (bridge.uplink ? [] : [[bridge.name, bridge.mode]]))),
    outside: new Set(nics.map(({ name }) => wire(name))),
  };
}

/** A bridge is one wire with its uplink. */
const segmentOf = ({ name, uplink }: Pick<Bridge, 'name' | 'uplink'>) =>
  uplink === null ? name : wire(uplink);

/** Slashes are in no interface name. */
const wire = (uplink: string) => `uplink/${uplink}`;

const cidrsOf = (texts: readonly string[]): Cidr[] => texts.flatMap(text => parseCidr(text) ?? []);

const port = (segment: string, addresses: readonly string[], isolated = false): Port => ({
  segment,
  addresses: cidrsOf(addresses),
  isolated,
});

const EVERYTHING = { 4: '0.0.0.0/0', 6: '::/0' } as const;

const routeTo = (to: string, via: string): Route[] => cidrsOf([to]).map(cidr => ({ to: cidr, via }));

const defaultRoutes = (gateways: readonly string[]) =>
  gateways.flatMap(via => routeTo(EVERYTHING[via.includes(':') ? 6 : 4], via));

const NOTHING = { 4: false, 6: false } as const;

/** Its way back to networks behind the host is laid by {@link routesBack}. */
const theLan = (nics: readonly SandboxNic[], lab: Lab): Node => ({
  who: 'the LAN',
  kind: 'lan',
  netns: null,
  ports: nics.map(nic => port(wire(nic.name), nic.lan)),
  routes: routesBack(lab, nics).flatMap(({ to, via }) => routeTo(to, via)),
  forwards: NOTHING,
});

const theHost = (nics: readonly SandboxNic[], lab: Lab): Node => ({
  who: 'the host',
  kind: 'host',
  netns: null,
  ports: [
    ...nics.map(nic => port(wire(nic.name), nic.host)),
    ...lab.bridges.map(bridge => port(segmentOf(bridge), ownAddresses(bridge))),
    ...linkPorts(lab, null),
  ],
  routes: nics.flatMap(({ gateways }) => defaultRoutes(gateways)),
  forwards: NOTHING,
});

/** Those that the lab gives to the bridge itself. */
const ownAddresses = ({ address }: Bridge): readonly string[] => ('cidrs' in address ? address.cidrs : []);

const vmNodes = (lab: Lab): Node[] =>
  lab.vms.map(vm => {
    const forwards = vm.boot.kind === 'probe' && vm.boot.forward;
    return {
      who: vm.name,
      kind: 'vm',
      netns: null,
      ports: vm.nics.map(nic => nicPort(lab, nic)),
      routes: vm.nics.flatMap(({ gateways }) => defaultRoutes(gateways)),
      forwards: { 4: forwards, 6: forwards },
    };
  });

const namespaceNodes = (lab: Lab): Node[] =>
  lab.namespaces.map(({ name, netns, nics, routes, sysctls }) => ({
    who: name,
    kind: 'namespace',
    netns,
    ports: [...nics.map(nic => nicPort(lab, nic)), ...linkPorts(lab, name)],
    routes: routes.flatMap(({ to, via }) => routeTo(to, via)),
    forwards: {
      4: sysctls['net/ipv4/ip_forward'] === '1',
      6: sysctls['net/ipv6/conf/all/forwarding'] === '1',
    },
  }));

function nicPort(lab: Lab, { bridge: name, macvtap, addresses, isolated }: Nic): Port {
  if (macvtap) return port(wire(macvtap.uplink), addresses, isolated);
  const bridge = lab.bridges.find(it => it.name === name);
  return port(bridge ? segmentOf(bridge) : (name ?? ''), addresses, isolated);
}

const linkPorts = (lab: Lab, namespace: string | null): Port[] =>
  lab.links.flatMap(({ ends }, i) =>
    ends.filter((end: LinkEnd) => end.namespace === namespace).map(end => port(`link/${i}`, end.addresses)),
  );

/**
 * What the LAN's routers have to know to reach what is behind the host: subnets of bridges without uplink, by way of the
 * host's own address. Those of networks that let nobody in are there, too: that must fail for other reasons.
 */
export function routesBack(lab: Lab, nics: readonly SandboxNic[]): { to: string; via: string }[] {
  const gateways = cidrsOf(nics.flatMap(({ host }) => host));
  const near = cidrsOf(nics.flatMap(({ lan }) => lan));
  const behind = lab.bridges
    .filter(({ uplink }) => uplink === null)
    .flatMap(bridge => [...ownAddresses(bridge), ...addressesOn(lab, bridge)]);
  const subnets = new Map(
    cidrsOf(behind).map(cidr => [`${cidr.network}/${cidr.prefix}/${cidr.family}`, cidr]),
  );
  return [...subnets.values()].flatMap(cidr => {
    const via = gateways.find(({ family }) => family === cidr.family);
    const taken = near.some(it => overlap(it, cidr)) || isLinkLocal(cidr);
    return via && !taken ? [{ to: subnetText(cidr), via: via.address }] : [];
  });
}

const addressesOn = (lab: Lab, { name }: Bridge) =>
  nicsOf(lab)
    .filter(({ bridge }) => bridge === name)
    .flatMap(({ addresses }) => addresses);
