import { createHash } from 'node:crypto';
import type { HostState, ServiceState } from '../host/model.js';
import { ADDRESS_BITS, type Cidr, contains, formatIp, parseCidr } from '../lab/cidr.js';
import type { Bridge, Dhcp, Lab } from '../lab/model.js';
import { type DnsmasqHost, dnsmasqConfig } from '../render/dnsmasq.js';
import { staticCidrs } from './bridge-addresses.js';
import { bridgeName, linkNamed, linkOf } from './links.js';
import type { Action, Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';
import { otherLabs } from './shared.js';

// DHCP and DNS: one dnsmasq on each bridge that asks for it.

/** Start what is missing; restart what serves something else than the lab says. */
export function planServices(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  return lab.bridges.flatMap(bridge => {
    if (bridge.dhcp === null) return [];
    const other = servedByOther(bridge, lab.name, host);
    if (other !== undefined) problems.push(servedTwice(bridge, other));
    const config = configOf(lab, bridge, bridge.dhcp, host);
    // Without an address, which is told elsewhere.
    if (config === null) return [];
    const running = runningFor(lab.name, host).filter(service => service.bridge === bridge.name);
    const digest = digestOf(config);
    // It listens on the very device that it was started on: on a bridge of the same name it would be deaf.
    const isNew = linkOf(bridge, host) === undefined;
    if (running.length === 1 && running[0]?.digest === digest && !isNew) return [];
    const ref = { lab: lab.name, bridge: bridge.name };
    const stop: Action = { kind: 'stop-dnsmasq', ...ref };
    const start: Action = { kind: 'start-dnsmasq', ...ref, digest, config };
    const name = bridgeName(bridge, host);
    return running.length === 0
      ? [
          {
            title: `start dnsmasq on ${name}`,
            why: 'the lab wants DHCP and DNS there, and nobody of ours serves them',
            do: [start],
            undo: [stop],
          },
        ]
      : [
          {
            title: `restart dnsmasq on ${name}`,
            why: isNew ? 'its bridge was deleted' : 'the lab wants other things served than it does',
            do: [stop, start],
            undo: [stop, ...running.flatMap(again)],
          },
        ];
  });
}

/** End those on bridges of a lab that need none any more. */
export function removeServices(
  lab: string,
  host: HostState,
  goes: (bridge: string) => boolean,
  why: string,
): Step[] {
  return runningFor(lab, host)
    .filter(({ bridge }) => goes(bridge))
    .map(service => ({
      title: `stop dnsmasq on ${service.bridge}`,
      why,
      do: [{ kind: 'stop-dnsmasq', lab, bridge: service.bridge }],
      undo: again(service),
    }));
}

const runningFor = (lab: string, host: HostState): ServiceState[] =>
  host.services.filter(service => service.lab === lab);

/** As it was started; without its text, which somebody has removed, it cannot be. */
const again = ({ lab, bridge, digest, config }: ServiceState): Action[] =>
  config === null ? [] : [{ kind: 'start-dnsmasq', lab, bridge, digest, config }];

/** The lab that serves DHCP on a bridge that this one would share with it. */
function servedByOther(bridge: Bridge, lab: string, host: HostState): string | undefined {
  const link = linkOf(bridge, host) ?? linkNamed(host, bridge.name);
  return (
    link &&
    otherLabs(link, lab).find(name =>
      currentRecord(name, host)?.lab.bridges.some(
        ({ altname, dhcp }) => dhcp && link.altnames.includes(altname),
      ),
    )
  );
}

const servedTwice = ({ name }: Bridge, other: string): PlanProblem => ({
  code: 'conflict',
  message: `bridges.${name}.dhcp: the bridge is shared with the lab ${other}, which serves DHCP there already`,
  fix: `Write "dhcp": false here, or give this bridge another name.`,
});

/** Digest of a config's text: it names its file, and so shows on the command line of whoever runs with it. */
export const digestOf = (config: string) => createHash('sha256').update(config).digest('hex').slice(0, 16);

/** What is served on a bridge; null where it has no IPv4 address. */
export function configOf(lab: Lab, bridge: Bridge, dhcp: Dhcp, host: HostState): string | null {
  const subnet = staticCidrs(bridge)
    .map(parseCidr)
    .find(cidr => cidr?.family === 4);
  if (!subnet) return null;
  const [first, last] = dhcp.range ?? rangeIn(subnet);
  return dnsmasqConfig({
    lab: lab.name,
    device: bridgeName(bridge, host),
    range: { first, last, netmask: netmaskOf(subnet) },
    leaseSeconds: dhcp.leaseSeconds,
    domain: dhcp.domain,
    dns: dhcp.dns,
    // Nothing of an isolated bridge gets out, not even a question.
    isolated: bridge.mode === 'isolated',
    hosts: hostsOn(lab, bridge, subnet),
  });
}

/** The guests' names, in lower case as DNS compares them; a second NIC on the same bridge shares the first one's. */
function hostsOn(lab: Lab, bridge: Bridge, subnet: Cidr): DnsmasqHost[] {
  return [...lab.vms, ...lab.namespaces].flatMap(endpoint =>
    endpoint.nics
      .filter(nic => nic.bridge === bridge.name)
      .map((nic, i) => {
        const cidrs = nic.addresses.flatMap(text => parseCidr(text) ?? []);
        return {
          name: endpoint.name.toLowerCase(),
          mac: nic.mac,
          lease: cidrs.find(cidr => contains(subnet, cidr))?.address ?? null,
          leaseName: i === 0,
          addresses: cidrs.map(({ address }) => address),
        };
      }),
  );
}

/** .100 to .199 of the first 256; of fewer, the upper half. */
function rangeIn({ network, last, prefix }: Cidr): [string, string] {
  const [from, to] =
    prefix <= 24 ? [network + 100n, network + 199n] : [network + (last - network + 1n) / 2n, last - 1n];
  return [formatIp(4, from), formatIp(4, to)];
}

const netmaskOf = ({ prefix }: Cidr) => {
  const hosts = (1n << BigInt(ADDRESS_BITS[4] - prefix)) - 1n;
  return formatIp(4, (1n << 32n) - 1n - hosts);
};
