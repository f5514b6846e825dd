import fc from 'fast-check';
import type { HostDescription } from './describe-host.js';

/**
 * Random hosts and labs, wide enough to meet every line that a plan can say. Not among them: an MTU of a lab's own,
 * gateways that only a link-scope route reaches, addresses that run out, and routes or rules that name two uplinks.
 */

const UPLINKS = ['eth0', 'eth1', 'eth2'] as const;

/** Which of some things, in their order. */
const some = <T>(...items: readonly T[]) => fc.subarray([...items]);

/** Addresses of the n-th NIC: its own subnets, so that no two NICs meet. */
const addressesOf = (n: number) => {
  const four = some(
    `192.0.${n}.10/24 broadcast 192.0.${n}.255`,
    `192.0.${n}.11/24 label eth${n}:1`,
    `192.0.${n}.12/25`,
    `198.18.${n}.1/24 metric 300`,
    `198.18.${n}.2/24 noprefixroute`,
    `198.19.${n}.1/32`,
    `198.19.${n}.3 peer 198.19.${n}.4/32`,
    `10.255.${n}.1/24 scope link`,
  );
  const six = some(
    `fd00:${n}::10/64`,
    `fd00:${n}::11/64`,
    `fd00:${n}:2::1/128`,
    `fd00:${n}:1::10/64 noprefixroute`,
    `fe80::ff:fe00:${n}/64 scope link`,
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
      ),
      rules: some(
        `from all iif eth${n} pref ${100 + n} lookup 10${n}`,
        `from 192.0.${n}.0/24 fwmark 0x1/0xff oif eth${n} pref ${200 + n} lookup 10${n}`,
        `-6 from all iif eth${n} pref ${100 + n} lookup 10${n}`,
      ),
      neighbours: some(`192.0.${n}.1 lladdr 02:00:00:00:00:aa dev eth${n}`),
      mode: fc.constantFrom('0', '1', '2', '3'),
    })
    .map(({ up, mtu, addresses, routes, rules, neighbours, mode }) => ({
      // A link that is down has neither IPv6 addresses nor routes.
      link: {
        up,
        mtu,
        addresses: addresses.filter(line => up || !line.includes(':') || line.includes('label')),
      },
      routes: up ? routes.filter(line => possible(line, addresses, n)) : [],
      rules,
      neighbours: up && addresses.some(line => line.startsWith('192.0.')) ? neighbours : [],
      sysctl: [`net/ipv6/conf/eth${n}/addr_gen_mode`, mode] as const,
    }));

/** Linux refuses a route whose gateway no address reaches. */
function possible(route: string, addresses: readonly string[], n: number): boolean {
  const has = (start: string) => addresses.some(line => line.startsWith(start) && !line.includes('noprefix'));
  if (route.includes(`via 192.0.${n}.1 `)) return has(`192.0.${n}.10/`) || has(`192.0.${n}.11/`);
  if (route.includes(`via 192.0.${n}.2 `)) return has(`192.0.${n}.1`);
  if (route.includes(`via fd00:${n}::1 `)) return has(`fd00:${n}::1`);
  if (route.startsWith('10.')) return addresses.some(line => !line.includes('::'));
  return true;
}

export const anyHost: fc.Arbitrary<HostDescription> = fc.tuple(nic(0), nic(1), nic(2)).map(nics => ({
  links: {
    ...Object.fromEntries(nics.map(({ link }, n) => [`eth${n}`, link])),
    wan0: { addresses: ['198.51.100.10/24'] },
  },
  routes: nics.flatMap(({ routes }) => routes),
  rules: ['from all pref 0 lookup local', ...nics.flatMap(({ rules }) => rules)],
  neighbours: nics.flatMap(({ neighbours }) => neighbours),
  sysctls: Object.fromEntries(nics.map(({ sysctl }) => sysctl)),
}));

const bridge = (n: number, uplink: string | undefined, bridgeNetfilter: string) =>
  fc
    .record(
      {
        address: fc.constantFrom<string | string[]>(uplink === undefined ? 'none' : 'inherit', 'none', [
          `203.0.113.${n * 32 + 1}/27`,
          `fd03:${n}::1/64`,
        ]),
        stp: fc.boolean(),
        multicastSnooping: fc.boolean(),
      },
      { requiredKeys: [] },
    )
    .map(options => ({ bridgeNetfilter, ...options, ...(uplink === undefined ? {} : { uplink }) }));

const vm = (bridges: readonly string[]) =>
  fc.record(
    {
      nics: fc.array(
        fc.record(
          {
            bridge: fc.constantFrom(...bridges),
            queues: fc.constantFrom(1, 4),
          },
          { requiredKeys: ['bridge'] },
        ),
        { minLength: 1, maxLength: 3 },
      ),
      boot: fc.constantFrom<unknown>(
        'probe',
        { image: 'disk.qcow2' },
        { kernel: 'vmlinuz', cmdline: 'console=ttyS0 a="<&>"' },
      ),
      memory: fc.constantFrom('256MiB', '1GiB'),
      vcpus: fc.integer({ min: 1, max: 4 }),
      accel: fc.constantFrom('auto', 'kvm', 'tcg'),
    },
    { requiredKeys: ['nics', 'boot'] },
  );

/** A lab of one to three bridges and up to six VMs, as its file says it. */
export const anyLab = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('keep', 'off'))
  .chain(([count, bridgeNetfilter]) => {
    const names = Array.from({ length: count }, (_, n) => `br${n}`);
    return fc.record({
      bridges: fc
        .tuple(
          ...names.map((_, n) =>
            fc.constantFrom(UPLINKS[n], undefined).chain(uplink => bridge(n, uplink, bridgeNetfilter)),
          ),
        )
        .map(bridges => Object.fromEntries(bridges.map((it, n) => [`br${n}`, it]))),
      vms: fc
        .array(vm(names), { maxLength: 6 })
        .map(vms => Object.fromEntries(vms.map((it, n) => [`vm${n}`, it]))),
    });
  })
  .map(parts => ({ version: 1, name: 'random', ...parts }));

/**
 * A lab and what its file might say next. Bridges keep their addresses and br_netfilter keeps its setting:
 * plans do not take back yet what such a change leaves on the host.
 */
export const anyChange = fc.tuple(anyLab, anyLab).map(([first, second]) => {
  const bridgeNetfilter = first.bridges.br0?.bridgeNetfilter;
  const kept = Object.entries(second.bridges).map(([name, next]) => {
    const { uplink } = next;
    const { address = uplink ? 'inherit' : 'none' } = first.bridges[name] ?? next;
    return [name, { ...next, bridgeNetfilter, address: !uplink && address === 'inherit' ? 'none' : address }];
  });
  return [first, { ...second, bridges: Object.fromEntries(kept) }] as const;
});
