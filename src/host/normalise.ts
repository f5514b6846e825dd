import { createHash } from 'node:crypto';
import type { HostState, Link, NamespaceState, Route } from './model.js';

/**
 * A host's state as comparable lines, so that "the host is as it was" can be looked at instead of claimed.
 * Left out, each for its reason:
 * - `operState`, `carrier`, `portState`: follow from carriers, which come and go by themselves;
 * - lifetimes of addresses and routes: they run;
 * - the metric of a default route that a router advertised, and its double: one stands in until the next advertisement;
 * - the OpenFlow number of a port: given out anew;
 * - the interface index: stays with a link, and a link that comes back under its name is as good; so does that of a
 *   veth's other end;
 * - of a network namespace that is not ours, all but its name; of ours, its processes and what its kernel does by itself;
 * - records: ours, and removed after the comparison.
 */
export function normalise(host: HostState): string[] {
  return [...facts(host)].map(([what, details]) => `${what}: ${JSON.stringify(details)}`).sort();
}

type Details = Readonly<Record<string, unknown>>;

/** Each thing by its name for people, with everything that is compared of it. */
function facts(host: HostState): Map<string, Details> {
  const found = new Map<string, Details[]>();
  const add = (what: string, details: Details) => void found.set(what, [...(found.get(what) ?? []), details]);
  for (const { addresses, index, operState, carrier, portState, peer, ...link } of host.links) {
    add(`link ${link.name}`, link);
    for (const [i, { validLifetime, preferredLifetime, temporary, ...address }] of addresses.entries())
      add(`address ${address.local}/${address.prefix} on ${link.name}`, { position: i + 1, ...address });
  }
  for (const route of host.routes.filter(isNoDouble)) add(routeName(route), routeFacts(route));
  for (const nexthop of host.nexthops) add(`nexthop ${nexthop.id}`, { ...nexthop });
  for (const rule of host.rules) add(`rule ${rule.priority}: ${rule.selectors.join(' ')}`, { ...rule });
  for (const entry of host.neighbours) add(`neighbour ${entry.dst} on ${entry.dev}`, { ...entry });
  for (const [path, value] of Object.entries(host.sysctls))
    add(`sysctl ${path.replaceAll('/', '.')}`, { value });
  for (const [port, vlans] of Object.entries(host.vlans ?? {})) add(`VLANs of ${port}`, { vlans });
  for (const { ports, ...bridge } of host.ovs?.bridges ?? []) {
    add(`bridge ${bridge.name} of Open vSwitch`, bridge);
    for (const { ofport, ...port } of ports) add(`port ${port.name} of ${bridge.name}`, port);
  }
  for (const name of host.lro ?? []) add(`LRO of ${name}`, { on: true });
  // NetworkManager, and networkd without a lease, let a port be, and take a moment to look after it again.
  const renewing = host.renewers.filter(
    ({ client, settings }) =>
      client !== 'NetworkManager' && (client !== 'systemd-networkd' || settings !== undefined),
  );
  for (const { client, on, argv } of renewing) add(`${client} on ${on ?? 'all interfaces'}`, { argv });
  for (const { name, path, text } of host.managers) add(`${path} of ${name}`, { text });
  for (const { dev, kind, handle } of host.queues ?? []) add(`queue of ${dev}`, { kind, handle });
  for (const { family, name, digest } of host.tables) add(`nft table ${family} ${name}`, { digest });
  for (const namespace of host.namespaces ?? []) add(`namespace ${namespace.name}`, innerFacts(namespace));
  for (const { program, rules } of host.docker)
    for (const { comment, chain, bridge } of rules)
      add(`rule ${comment} in DOCKER-USER of ${program}`, { chain, bridge });
  for (const { lab, bridge, digest } of host.services) add(`dnsmasq on ${bridge} of ${lab}`, { digest });
  for (const { name, xml, liveXml } of host.libvirt?.existing ?? []) {
    // A digest: it may hold passwords.
    add(`definition of ${name}`, {
      digest: createHash('sha256')
        .update(xml ?? '')
        .digest('hex')
        .slice(0, 16),
    });
    for (const [, mac] of (liveXml ?? '').matchAll(/<mac address='([0-9A-Fa-f:]{17})'/g))
      add(`NIC ${mac} of ${name}`, {});
  }
  for (const { name, uuid, state, autostart = false } of host.libvirt?.domains ?? [])
    add(`domain ${name}`, { uuid, state, autostart });
  return new Map([...found].flatMap(([what, copies]) => numbered(what, copies)));
}

const byName = (links: readonly Link[]) => links.toSorted((a, b) => (a.name < b.name ? -1 : 1));

function innerFacts({ mark, links, routes, sysctls }: NamespaceState): Details {
  return {
    mark,
    links: byName(links).map(({ name, mac, mtu, up, altnames, addresses }) => ({
      ...{ name, mac, mtu, up, altnames },
      addresses: addresses.flatMap(({ local, prefix, scope }) =>
        scope === 'link' ? [] : [`${local}/${prefix}`],
      ),
    })),
    routes: routes.flatMap(({ dst, gateway, dev, protocol }) =>
      protocol === 'kernel' || protocol === 'ra' ? [] : [{ dst, gateway, dev }],
    ),
    sysctls,
  };
}

/** Some things differ in nothing that people would call them by, such as two rules of one priority. */
const numbered = (what: string, copies: readonly Details[]): [string, Details][] =>
  copies
    .map(details => ({ details, text: JSON.stringify(details) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ details }, i) => [i === 0 ? what : `${what} (${i + 1})`, details]);

const isAdvertised = ({ family, dst, protocol, expires }: Route) =>
  family === 6 && dst === 'default' && protocol === 'ra' && expires !== undefined;

const isNoDouble = (route: Route, at: number, all: readonly Route[]) =>
  !isAdvertised(route) ||
  all.findIndex(
    other => isAdvertised(other) && other.dev === route.dev && other.gateway === route.gateway,
  ) === at;

function routeFacts({ expires, ...route }: Route): Details {
  const runsOut = expires !== undefined && route.protocol !== 'kernel';
  return {
    ...route,
    runsOut,
    ...(isAdvertised({ ...route, expires: 0 }) && runsOut ? { metric: null, metrics: [] } : {}),
  };
}

const routeName = (route: Route) => {
  const { family, dst, table, gateway, dev } = route;
  const metric = isAdvertised(route) ? null : route.metric;
  return [
    `IPv${family} route ${dst}`,
    ...(gateway ? [`via ${gateway}`] : []),
    ...(dev ? [`dev ${dev}`] : []),
    `in table ${table}`,
    ...(metric === null ? [] : [`metric ${metric}`]),
  ].join(' ');
};

/**
 * What differs between two states, one line each: `missing: …`, `left over: …`, `changed: … (mtu 1500 → 1400)`.
 * Empty where nothing does.
 */
export function difference(before: HostState, after: HostState): string[] {
  const [old, now] = [facts(before), facts(after)];
  return [
    ...[...old.keys()].filter(what => !now.has(what)).map(what => `missing: ${what}`),
    ...[...now.keys()].filter(what => !old.has(what)).map(what => `left over: ${what}`),
    ...[...old].flatMap(([what, details]) => {
      const changes = fieldChanges(details, now.get(what) ?? details);
      return changes.length > 0 ? [`changed: ${what} (${changes.join(', ')})`] : [];
    }),
  ];
}

function fieldChanges(before: Details, after: Details): string[] {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return Object.keys({ ...before, ...after })
    .filter(key => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map(key => `${key} ${text(before[key])} → ${text(after[key])}`);
}
