import { VmnetError } from '../errors.js';
import type { HostState, LabRecord } from '../host/model.js';
import { contains, isLinkLocal, parseCidr, subnetText } from '../lab/cidr.js';
import { isForwarded } from '../lab/has.js';
import type { Bridge, Lab } from '../lab/model.js';
import { staticCidrs } from './bridge-addresses.js';
import { isPlainName, openedBy } from './forwarding.js';
import { bridgeName } from './links.js';
import type { Table } from './model.js';

// What each mode of a bridge lets pass, as rules that name sets: one more bridge is one more element. A drop is final
// whatever else the host has; an accept of ours is not, so none of it opens what another table of the host closes.

/**
 * The bit of a packet's mark by which a lab tells all others, within the hook `forward`, that a packet goes to a bridge
 * of its own. It is gone when the packet leaves the hook.
 */
const OURS = '0x01000000';
const OTHERS = '0xfeffffff';

/** Rules for the lab's bridges that are not bridged. */
export function modeTables(lab: Lab, host: HostState, forwarding: LabRecord['forwarding']): Table[] {
  const bridges = lab.bridges
    .filter(({ mode }) => mode !== 'bridged')
    .map(bridge => ({ ...bridge, name: quotable(bridge, host) }));
  if (bridges.length === 0) return [];
  const isolated = isolation(bridges.filter(({ mode }) => mode === 'isolated'));
  const nat = translation(bridges.filter(({ mode }) => mode === 'nat'));
  const way = wayOut(bridges, forwarding);
  const names = quoted(bridges);
  const body = [
    set('own', 'type ifname', names),
    set(
      'within',
      'type ifname . ifname',
      names.map(name => `${name} . ${name}`),
    ),
    ...sources(bridges.filter(({ mode }) => mode !== 'routed')),
    ...isolated.sets,
    ...nat.sets,
    ...way.sets,
    ...chain('forward', 'filter hook forward priority filter', [
      // Bridged frames come here too, where br_netfilter sends them.
      'iifname . oifname @within accept',
      ...way.forward,
      ...isolated.forward,
      ...nat.forward,
    ]),
    ...way.chains,
    ...chain('input', 'filter hook input priority filter', [
      // A guest must not become the host's router.
      'iifname @own icmpv6 type { nd-router-advert, nd-redirect } counter drop',
      ...isolated.input,
    ]),
    ...nat.chains,
  ];
  return [{ family: 'inet', body }];
}

interface Part {
  readonly sets: readonly string[];
  readonly forward: readonly string[];
  readonly input: readonly string[];
  readonly chains: readonly string[];
}

const NOTHING: Part = { sets: [], forward: [], input: [], chains: [] };

/**
 * Nothing crosses the host. Only who has a source of the bridge's own subnets reaches the host itself, which would send
 * its answers to others elsewhere; where the host has no address on the bridge, nobody does.
 */
function isolation(bridges: readonly Bridge[]): Part {
  if (bridges.length === 0) return NOTHING;
  const names = quoted(bridges);
  return {
    ...NOTHING,
    sets: [
      set('isolated', 'type ifname', names),
      set('isolated_out', 'type ifname; counter', names),
      set('isolated_in', 'type ifname; counter', names),
    ],
    forward: ['iifname @isolated_out drop', 'oifname @isolated_in drop'],
    input: foreign('isolated'),
  };
}

/** Out with the host's address, in only what was asked for. */
function translation(bridges: readonly Bridge[]): Part {
  if (bridges.length === 0) return NOTHING;
  const names = quoted(bridges);
  return {
    ...NOTHING,
    sets: [
      set('nat', 'type ifname', names),
      set('nat_in', 'type ifname; counter', names),
      set('nat4', 'type ipv4_addr; flags interval', subnets(4, bridges)),
      set('nat6', 'type ipv6_addr; flags interval', subnets(6, bridges)),
    ],
    forward: [
      ...foreign('nat'),
      // What belongs to no connection is translated by nobody, and would leave with the guest's own address.
      'iifname @nat ct state { invalid, untracked } counter drop',
      'oifname @nat ct state { established, related } accept',
      'oifname @nat_in drop',
    ],
    chains: chain('postrouting', 'nat hook postrouting priority srcnat', [
      'oifname . ip saddr @sources4 return',
      'oifname . ip6 saddr @sources6 return',
      'ip saddr @nat4 counter masquerade',
      'ip6 saddr @nat6 counter masquerade',
    ]),
  };
}

/** What comes in by an interface that forwards for the labs' sake only goes to their bridges, or nowhere. */
function wayOut(bridges: readonly Bridge[], forwarding: LabRecord['forwarding']): Part {
  const own = new Set(bridges.map(({ name }) => name));
  const opened = openedBy(forwarding)
    .filter(({ dev }) => !own.has(dev))
    .map(({ family, dev }) => `ipv${family} . "${dev}"`);
  if (opened.length === 0) return NOTHING;
  const cameIn = 'meta nfproto . iifname @opened';
  return {
    ...NOTHING,
    sets: [
      set('let_in', 'type ifname', quoted(bridges.filter(isForwarded))),
      set('opened', 'typeof meta nfproto . meta iifname', opened),
    ],
    forward: [`${cameIn} oifname @let_in meta mark set meta mark | ${OURS}`],
    // After the chains of all labs have had their say.
    chains: [
      ...chain('guard', 'filter hook forward priority filter + 10', [
        `${cameIn} meta mark & ${OURS} == 0 counter drop`,
      ]),
      ...chain('unmark', 'filter hook forward priority filter + 20', [
        `${cameIn} oifname @let_in meta mark set meta mark & ${OTHERS}`,
      ]),
    ],
  };
}

/** Sources that are not of the bridge's own subnets. */
const foreign = (set: string) => [
  `iifname @${set} iifname . ip saddr != @sources4 counter drop`,
  `iifname @${set} iifname . ip6 saddr != @sources6 counter drop`,
];

/** The subnets of each bridge, and what a guest has as long as it has no address. */
function sources(bridges: readonly Bridge[]): string[] {
  if (bridges.length === 0) return [];
  const of = (family: 4 | 6, none: readonly string[]) =>
    bridges.flatMap(bridge => {
      const own = subnets(family, [bridge]);
      return (own.length > 0 ? [...own, ...none] : []).map(subnet => `"${bridge.name}" . ${subnet}`);
    });
  return [
    set('sources4', 'type ifname . ipv4_addr; flags interval', of(4, ['0.0.0.0'])),
    set('sources6', 'type ifname . ipv6_addr; flags interval', of(6, ['::', 'fe80::/10'])),
  ];
}

/** Without those that lie in another: overlapping intervals are an error to nft. */
function subnets(family: 4 | 6, bridges: readonly Bridge[]): string[] {
  const all = bridges
    .flatMap(staticCidrs)
    .flatMap(text => parseCidr(text) ?? [])
    .filter(cidr => cidr.family === family && !isLinkLocal(cidr));
  const widest = all.filter(cidr => !all.some(it => it.prefix < cidr.prefix && contains(it, cidr)));
  return [...new Set(widest.map(subnetText))];
}

/** Rules may name one without elements. */
const set = (name: string, type: string, elements: readonly string[]) =>
  `set ${name} { ${type};${elements.length > 0 ? ` elements = { ${elements.join(', ')} };` : ''} }`;

const chain = (name: string, type: string, rules: readonly string[]): string[] => [
  `chain ${name} {`,
  `  type ${type}; policy accept;`,
  ...rules.map(rule => `  ${rule}`),
  '}',
];

const quoted = (bridges: readonly Bridge[]) => bridges.map(({ name }) => `"${name}"`);

/** A bridge of ours may have been renamed since, to what nft takes for something else. */
function quotable(bridge: Bridge, host: HostState): string {
  const name = bridgeName(bridge, host);
  if (isPlainName(name)) return name;
  throw new VmnetError(
    'conflict',
    `the bridge ${bridge.name} was renamed to ${JSON.stringify(name)}, a name that nft cannot take as it stands`,
    `Give it its own name again: ip link set dev ${bridge.altname} name ${bridge.name}`,
  );
}
