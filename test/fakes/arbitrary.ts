import fc from 'fast-check';
import type { HostDescription } from './describe-host.js';

/** Random hosts, wide enough to meet every line that a plan can say of them. */

export const UPLINKS = ['eth0', 'eth1', 'eth2'] as const;

/** Which of some things, in their order. */
const some = <T>(...items: readonly T[]) => fc.subarray([...items]);

/** Addresses of the n-th NIC: its own subnets, so that no two NICs meet. */
const addressesOf = (n: number) => {
  const four = some(
    `192.0.${n}.10/24 broadcast 192.0.${n}.255`,
    `192.0.${n}.11/24 label eth${n}:1`,
    `192.0.${n}.12/25`,
    `192.0.${n}.50/24 valid_lft 3600 preferred_lft 1800`,
    `198.18.${n}.1/24 metric 300`,
    `198.18.${n}.2/24 noprefixroute`,
    `198.19.${n}.1/32`,
    `198.19.${n}.3 peer 198.19.${n}.4/32`,
    `10.255.${n}.1/24 scope link`,
  );
  const six = some(
    `fd00:${n}::10/64`,
    `fd00:${n}::11/64`,
    `fd00:${n}::50/64 valid_lft 3600 preferred_lft 1800`,
    `fd00:${n}:2::1/128`,
    `fd00:${n}:1::10/64 noprefixroute`,
    `fd00:${n}:3::50/64 valid_lft 3600 preferred_lft 1800`,
    `fd00:${n}:4::1 peer fd00:${n}:5::2/64`,
    `fe80::ff:fe00:${n}/64 scope link proto kernel_ll`,
  );
  return fc.tuple(shuffled(four), shuffled(six)).map(parts => parts.flat());
};

const shuffled = <T>(arrays: fc.Arbitrary<T[]>) =>
  arrays.chain(items => fc.shuffledSubarray(items, { minLength: items.length, maxLength: items.length }));

const nic = (n: number) =>
  fc
    .record({
      up: fc.boolean(),
      mtu: fc.constantFrom(1500, 9000, 1400),
      addresses: addressesOf(n),
      routes: some(
        `default via 192.0.${n}.1 dev eth${n} proto static metric 10${n}`,
        `default via 192.0.${n}.1 dev eth${n} table 10${n}`,
        `10.${n}.0.0/16 via 192.0.${n}.2 dev eth${n} mtu 1400`,
        `10.${n + 10}.0.0/16 via 203.0.113.1 dev eth${n} onlink`,
        `10.${n + 20}.0.0/16 dev eth${n} table 10${n}`,
        `10.${n + 40}.0.0/16 nexthop via 192.0.${n}.1 dev eth${n} weight 2 nexthop via 198.51.100.1 dev wan0`,
        `10.${n + 30}.0.0/16 via inet6 fe80::1 dev eth${n}`,
        `-6 default via fe80::1 dev eth${n} proto ra metric 102${n}`,
        `-6 fd01:${n}::/48 via fd00:${n}::1 dev eth${n} table 10${n}`,
        `-6 fd02:${n}::/48 via fe80::2 dev eth${n} mtu 1400 pref high`,
        // What an address that ran out has left behind.
        `-6 fd07:${n}::/64 dev eth${n} proto kernel metric 256`,
      ),
      // A gateway that no address reaches, only a route of its own, as in clouds.
      behind: some(
        [
          `10.254.${n}.1 dev eth${n} scope link`,
          `10.${n + 50}.0.0/16 via 10.254.${n}.1 dev eth${n}`,
          `default via 10.254.${n}.1 dev eth${n} metric 20${n}`,
        ],
        [`-6 fd08:${n}::1 dev eth${n}`, `-6 fd06:${n}::/48 via fd08:${n}::1 dev eth${n}`],
      ),
      // A router that advertises itself, or one whose advertisements nobody accepts.
      router: fc.constantFrom(
        [],
        [`-6 default via fe80::9 dev eth${n} proto ra metric 1024 expires 1800`],
        [
          `-6 default via fe80::9 dev eth${n} proto ra metric 1024 expires 1800`,
          `-6 default via fe80::a dev eth${n} proto ra metric 1024 expires 900`,
        ],
      ),
      // One hop, a group, and routes by way of both; the last one is an IPv4 route through IPv6.
      objects: fc.constantFrom(
        { nexthops: [], routes: [] },
        {
          nexthops: [
            `id ${n}1 via 192.0.${n}.1 dev eth${n} proto static`,
            `id ${n}2 via 203.0.113.${n} dev eth${n} onlink`,
            `id ${n}3 via fe80::1 dev eth${n}`,
            `-6 id ${n}4 dev eth${n}`,
            `id ${n}5 group ${n}1,3/${n}2`,
            `id ${n}6 group ${n}3/${n}4`,
          ],
          routes: [
            `10.${n + 100}.0.0/16 nhid ${n}1`,
            `10.${n + 110}.0.0/16 nhid ${n}5 table 10${n} metric 7`,
            `-6 fd10:${n}::/48 nhid ${n}3`,
            `-6 default nhid ${n}6 table 10${n}`,
            `10.${n + 120}.0.0/16 nhid ${n}3`,
          ],
        },
      ),
      sysctls: fc.constantFrom(
        {},
        { [`net/ipv4/conf/eth${n}/rp_filter`]: '2', [`net/ipv4/conf/eth${n}/disable_xfrm`]: '1' },
        { [`net/ipv6/conf/eth${n}/accept_ra`]: '2', [`net/ipv6/neigh/eth${n}/gc_stale_time`]: '17' },
      ),
      rules: some(
        `from all iif eth${n} pref ${100 + n} lookup 10${n}`,
        `from 192.0.${n}.0/24 fwmark 0x1/0xff oif eth${n} pref ${200 + n} lookup 10${n}`,
        `-6 from all iif eth${n} pref ${100 + n} lookup 10${n}`,
      ),
      neighbours: some(`192.0.${n}.1 lladdr 02:00:00:00:00:aa dev eth${n}`),
      mode: fc.constantFrom('0', '1', '2', '3'),
    })
    .map(({ up, mtu, addresses, routes, behind, router, objects, sysctls, rules, neighbours, mode }) => ({
      // A link that is down has neither IPv6 addresses nor routes.
      link: {
        up,
        mtu,
        addresses: addresses.filter(line => up || !line.includes(':') || line.includes('label')),
      },
      routes: up
        ? [
            ...[...routes, ...behind.flat(), ...router].filter(line => possible(line, addresses, n)),
            ...(objectsFit(up, addresses, n) ? objects.routes : []),
          ]
        : [],
      nexthops: objectsFit(up, addresses, n) ? objects.nexthops : [],
      rules,
      neighbours: up && addresses.some(line => line.startsWith('192.0.')) ? neighbours : [],
      sysctls: { ...sysctls, [`net/ipv6/conf/eth${n}/addr_gen_mode`]: mode },
    }));

const objectsFit = (up: boolean, addresses: readonly string[], n: number) =>
  up && addresses.some(line => line.startsWith(`192.0.${n}.10/`) || line.startsWith(`192.0.${n}.11/`));

/** Linux refuses a route whose gateway no address reaches. */
function possible(route: string, addresses: readonly string[], n: number): boolean {
  const has = (start: string) => addresses.some(line => line.startsWith(start) && !line.includes('noprefix'));
  if (route.includes(`via 192.0.${n}.1 `)) return has(`192.0.${n}.10/`) || has(`192.0.${n}.11/`);
  if (route.includes(`via 192.0.${n}.2 `)) return has(`192.0.${n}.1`);
  if (route.includes(`via fd00:${n}::1 `)) return has(`fd00:${n}::1`) || has(`fd00:${n}::50`);
  // Without any IPv4 address the kernel drops IPv4 routes when it likes.
  if (route.startsWith('10.') || route.startsWith('default'))
    return addresses.some(line => !line.includes('::'));
  return true;
}

/** Routes and rules that name two uplinks at once. */
const between = (a: number, b: number) => ({
  routes: some(
    `10.20${a}.0.0/16 nexthop via 192.0.${a}.1 dev eth${a} weight 1 nexthop via 192.0.${b}.1 dev eth${b} weight 3`,
    `default table 20${a} nexthop via 192.0.${a}.1 dev eth${a} nexthop via 192.0.${b}.1 dev eth${b}`,
    `-6 fd20:${a}::/48 nexthop via fe80::1 dev eth${a} nexthop via fe80::1 dev eth${b}`,
  ),
  rules: some(
    `from all iif eth${a} oif eth${b} pref 30${a} lookup 10${a}`,
    `-6 from all iif eth${b} oif eth${a} pref 30${a} lookup 10${a}`,
  ),
});

type Nic = typeof nic extends (n: number) => fc.Arbitrary<infer T> ? T : never;

/** Can a route that names two uplinks be, given the addresses of each? */
function possibleBetween(route: string, nics: readonly Nic[]): boolean {
  const named = nics.filter((_, n) => route.includes(`dev eth${n} `) || route.endsWith(`dev eth${n}`));
  const reaches = ({ link }: Nic) => link.addresses.some(line => /^192\.0\.\d\.1[01]\//.test(line));
  return named.every(it => it.link.up && (route.startsWith('-6') || reaches(it)));
}

export const anyHost: fc.Arbitrary<HostDescription> = fc
  .record({
    nics: fc.tuple(nic(0), nic(1), nic(2)),
    routes: fc.tuple(between(0, 1).routes, between(1, 2).routes),
    rules: fc.tuple(between(0, 1).rules, between(1, 2).rules),
  })
  .map(({ nics, routes, rules }) => ({
    links: {
      ...Object.fromEntries(nics.map(({ link }, n) => [`eth${n}`, link])),
      wan0: { addresses: ['198.51.100.10/24'] },
    },
    routes: [
      ...nics.flatMap(it => it.routes),
      ...routes.flat().filter(route => possibleBetween(route, nics)),
    ],
    rules: ['from all pref 0 lookup local', ...nics.flatMap(it => it.rules), ...rules.flat()],
    neighbours: nics.flatMap(({ neighbours }) => neighbours),
    nexthops: nics.flatMap(({ nexthops }) => nexthops),
    sysctls: Object.assign({}, ...nics.map(({ sysctls }) => sysctls)),
  }));
