import type { HostState } from '../host/model.js';
import { bare, parseIp } from '../lab/cidr.js';
import { DROPS, type Drop, dropSet, dropsOf, linkLocal } from '../lab/drops.js';
import { isRuled } from '../lab/has.js';
import type { Lab, Nic } from '../lab/model.js';
import { quote } from '../lab/quote.js';
import type { Table } from './model.js';
import type { PlanProblem } from './problems.js';
import { bytesPerSecond, outBurst } from './rates.js';

/**
 * Rules on the ports of NICs, at the bridge's entrance: whatever is dropped here nobody gets, and the bridge learns
 * nothing of it. NICs are elements of sets, so that a frame takes as many look-ups for a thousand NICs as for one.
 */

/** A NIC that has rules, with the name that its tap has now. */
interface Port {
  readonly nic: Nic;
  readonly tap: string;
  /** The same, also where nft cannot say it. */
  readonly now: string;
}

/** The kernel lets an owner rename a tap to almost anything; nft reads some of that as more than a name. */
export function findUnspeakable(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  for (const { nic, now } of portsOf(lab, host).filter(({ now, tap }) => now !== tap))
    problems.push({
      code: 'conflict',
      message: `the tap of ${nic.vm}, NIC ${nic.index}, was renamed to ${quote(now)}, and rules of nftables cannot name that`,
      fix: `Give it its name back: ip link set dev ${nic.altname} name ${nic.tap}.`,
    });
}

function portsOf(lab: Lab, host: HostState): Port[] {
  const ruled = lab.vms.flatMap(vm => vm.nics).filter(isRuled);
  if (ruled.length === 0) return [];
  const names = new Map(host.links.flatMap(link => link.altnames.map(mark => [mark, link.name] as const)));
  return ruled.map(nic => {
    const now = names.get(nic.altname) ?? nic.tap;
    return { nic, now, tap: /^[A-Za-z0-9_.-]+$/.test(now) ? now : nic.tap };
  });
}

/** The table of family bridge; none where no NIC has rules. */
export function portTables(lab: Lab, host: HostState): Table[] {
  const body = portRules(lab, host);
  return body.length > 0 ? [{ family: 'bridge', body }] : [];
}

function portRules(lab: Lab, host: HostState): string[] {
  const ports = portsOf(lab, host);
  if (ports.length === 0) return [];
  const is = (test: (nic: Nic) => boolean) => ports.filter(({ nic }) => test(nic));
  const spoof = is(({ antiSpoof }) => antiSpoof !== 'off');
  const strict = is(({ antiSpoof }) => antiSpoof === 'ip');
  const limited = is(({ bandwidth }) => bandwidth.out !== null);
  return [
    set('ruled', 'type ifname', ports.map(quoted)),
    set('anti_spoof', 'type ifname', spoof.map(quoted)),
    set('strict', 'type ifname', strict.map(quoted)),
    set('looked_into', 'type ifname', is(nic => dropsOf(nic).includes('hidden')).map(quoted)),
    set(
      'macs',
      'type ifname . ether_addr',
      spoof.map(port => `${quoted(port)} . ${port.nic.mac}`),
    ),
    // What nft has no name for, it takes as a number.
    set(
      'raw_macs',
      'typeof iifname . @th,208,48',
      spoof.map(port => `${quoted(port)} . ${hexMac(port.nic.mac)}`),
    ),
    set(
      'addresses',
      'type ifname . ipv4_addr',
      owned(strict, 4).map(({ port, ip }) => `${port} . ${ip}`),
    ),
    set(
      'addresses6',
      'type ifname . ipv6_addr',
      owned(strict, 6).map(({ port, ip }) => `${port} . ${ip}`),
    ),
    set(
      'raw_addresses6',
      'typeof iifname . @th,64,128',
      owned(strict, 6).map(({ port, value }) => `${port} . 0x${value.toString(16).padStart(32, '0')}`),
    ),
    ...(Object.keys(DROPS) as Drop[]).map(kind =>
      set(dropSet(kind), 'type ifname; counter', is(nic => dropsOf(nic).includes(kind)).map(quoted)),
    ),
    ...limits(limited),
    ...CHAINS,
    'chain port {',
    ...PORT.map(rule => `  ${rule}`),
    ...(limited.length > 0 ? ['  iifname vmap @limits'] : []),
    '}',
    // Before br_netfilter shows the frame to the host's own rules.
    'chain prerouting {',
    '  type filter hook prerouting priority -300; policy accept;',
    '  iifname @ruled jump port',
    '}',
  ];
}

const quoted = ({ tap }: Port) => `"${tap}"`;

const set = (name: string, type: string, elements: readonly string[]) =>
  `set ${name} { ${type}; ${elements.length > 0 ? `elements = { ${elements.join(', ')} }; ` : ''}}`;

const hexMac = (mac: string) => `0x${mac.replaceAll(':', '')}`;

/** What each NIC may send from; with IPv6 also the link-local address that follows from its MAC. */
function owned(ports: readonly Port[], family: 4 | 6): { port: string; ip: string; value: bigint }[] {
  return ports.flatMap(port => {
    const own = [...port.nic.addresses.map(bare), linkLocal(port.nic.mac)];
    return [...new Set(own)].flatMap(ip => {
      const parsed = parseIp(ip);
      return parsed?.family === family ? [{ port: quoted(port), ip, value: parsed.value }] : [];
    });
  });
}

/** One chain for each rate that occurs; each NIC has a bucket of its own. */
function limits(limited: readonly Port[]): string[] {
  if (limited.length === 0) return [];
  const rates = [...new Set(limited.flatMap(({ nic }) => nic.bandwidth.out ?? []))];
  return [
    ...rates.flatMap(rate => [
      `set buckets_${rate} { type ifname; flags dynamic; size ${limited.length}; }`,
      `chain limit_${rate} {`,
      `  update @buckets_${rate} { iifname limit rate over ${bytesPerSecond(rate)} bytes/second burst ${outBurst(rate)} bytes } iifname @${dropSet('rate')} drop`,
      '}',
    ]),
    `map limits { type ifname : verdict; elements = { ${limited
      .map(port => `${quoted(port)} : jump limit_${port.nic.bandwidth.out}`)
      .join(', ')} }; }`,
  ];
}

/** A NIC that has not this rule is not in its set, so that the rule passes it over. */
const drop = (kind: Drop) => `iifname @${dropSet(kind)} drop`;

const ND =
  'icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect }';

/** An option with a link-layer address: its type and length, then the MAC; where in the message, in bits. */
const tells = (type: number, at: number) => `@th,${at},16 0x0${type}01 iifname . @th,${at + 16},48 @raw_macs`;

/** Each says what is right; what is not is dropped in the end, so that what cannot be read does not slip past. */
const CHAINS = [
  'chain arp_addresses {',
  // A probe (RFC 5227) for another's address would make that one give it up.
  '  arp operation request arp saddr ip 0.0.0.0 iifname . arp daddr ip @addresses return',
  '  arp operation { request, reply } iifname . arp saddr ip @addresses return',
  `  ${drop('arp')}`,
  '}',
  'chain arp_senders {',
  '  arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . arp saddr ether @macs return',
  `  ${drop('arp')}`,
  '}',
  'chain ip4_addresses {',
  '  iifname . ip saddr @addresses return',
  '  ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 return',
  `  ${drop('ip')}`,
  '}',
  // Messages with one option at most, and that the one that all hosts send: a second could contradict the first.
  'chain solicitations {',
  '  ip6 length 24 return',
  `  ip6 length 32 ${tells(1, 192)} return`,
  '  ip6 length 32 @th,192,16 0x0e01 return', // the nonce of RFC 7527
  `  ${drop('nd')}`,
  '}',
  'chain advertisements {',
  '  ip6 length 24 return',
  `  ip6 length 32 ${tells(2, 192)} return`,
  `  ${drop('nd')}`,
  '}',
  'chain router_solicitations {',
  '  ip6 length 8 return',
  `  ip6 length 16 ${tells(1, 64)} return`,
  `  ${drop('nd')}`,
  '}',
  'chain nd_senders {',
  '  icmpv6 type nd-router-solicit jump router_solicitations',
  '  icmpv6 type nd-neighbor-solicit jump solicitations',
  '  icmpv6 type nd-neighbor-advert jump advertisements',
  '}',
  'chain unspecified {',
  '  icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @raw_addresses6 return',
  // Whoever is about to take that address would give it up.
  `  icmpv6 type nd-neighbor-solicit ${drop('nd')}`,
  '  icmpv6 type { nd-router-solicit, mld-listener-report, mld-listener-done, mld2-listener-report } return',
  `  ${drop('ip')}`,
  '}',
  'chain ip6_addresses {',
  '  icmpv6 type nd-neighbor-advert iifname . @th,64,128 @raw_addresses6 return',
  `  icmpv6 type nd-neighbor-advert ${drop('nd')}`,
  '  iifname . ip6 saddr @addresses6 return',
  '  ip6 saddr :: goto unspecified',
  `  ${drop('ip')}`,
  '}',
  // RFC 7113: a first fragment has to show what the whole is.
  'chain first_fragments {',
  '  udp length >= 8 return',
  '  tcp dport >= 0 return',
  '  icmpv6 type { echo-request, echo-reply } return',
  `  ${drop('hidden')}`,
  '}',
  'chain ipv6 {',
  '  exthdr frag exists frag frag-off 0 jump first_fragments',
  // RFC 6980: these come without any header in between.
  `  ip6 nexthdr != icmpv6 ${ND} ${drop('hidden')}`,
  `  icmpv6 type { nd-router-advert, nd-redirect } ${drop('ra')}`,
  '  iifname @anti_spoof jump nd_senders',
  '  iifname @strict jump ip6_addresses',
  '}',
  'chain unreadable {',
  '  meta l4proto != 255 return',
  `  ${drop('hidden')}`,
  '}',
  // Whatever port it says to come from: a client listens on its own.
  'chain dhcp_answers {',
  `  ether type ip udp dport 68 ${drop('dhcp')}`,
  `  ether type ip udp sport 67 ${drop('dhcp')}`,
  `  ether type ip6 udp dport 546 ${drop('dhcp')}`,
  `  ether type ip6 udp sport 547 ${drop('dhcp')}`,
  '}',
];

const BPDU_GROUPS = '{ 01:80:c2:00:00:00, 01:80:c2:00:00:08, 01:00:0c:cc:cc:cd }';

const PORT = [
  `ether daddr ${BPDU_GROUPS} ${drop('bpdu')}`,
  `ether type < 0x0600 @ll,112,24 0x424203 ${drop('bpdu')}`,
  // The kernel takes the first tag off, but remembers it.
  `ether type { 8021q, 8021ad, 0x9100 } ${drop('hidden')}`,
  `meta protocol { 8021q, 8021ad } ${drop('hidden')}`,
  // Some hosts take IP and ARP out of SNAP (RFC 1042) as well.
  `ether type < 0x0600 @ll,112,16 & 0xfefe == 0xaaaa ${drop('hidden')}`,
  `iifname . ether saddr != @macs ${drop('mac')}`,
  `ether type != { ip, ip6, arp } iifname @strict ${drop('protocol')}`,
  'ether type arp iifname @anti_spoof jump arp_senders',
  'ether type arp iifname @strict jump arp_addresses',
  'ether type { ip, ip6 } iifname @looked_into jump unreadable',
  'jump dhcp_answers',
  // A client that asks for a lease in the name of another.
  `udp sport 68 udp dport 67 iifname . @th,288,48 != @raw_macs ${drop('mac')}`,
  'ether type ip iifname @strict jump ip4_addresses',
  'ether type ip6 iifname @looked_into jump ipv6',
];
