// What the property tests once found: labs one after the other, and the host that they were provisioned on.

const bare = (uplink: string) => ({
  links: {
    eth0: {
      up: uplink === 'eth0',
      mtu: 1500,
      addresses: uplink === 'eth0' ? ['10.255.0.1/24 scope link'] : [],
    },
    eth1: {
      up: uplink === 'eth1',
      mtu: 1500,
      addresses: uplink === 'eth1' ? ['10.255.0.1/24 scope link'] : [],
    },
    eth2: { up: false, mtu: 1500, addresses: [] },
    wan0: { addresses: ['198.51.100.10/24'] },
  },
  routes: [
    `10.254.0.1 dev ${uplink} scope link`,
    `10.50.0.0/16 via 10.254.0.1 dev ${uplink}`,
    `default via 10.254.0.1 dev ${uplink} metric 200`,
  ],
  rules: ['from all pref 0 lookup local'],
  neighbours: [],
  nexthops: [],
  sysctls: {
    'net/ipv6/conf/eth0/addr_gen_mode': '0',
    'net/ipv6/conf/eth1/addr_gen_mode': '0',
    'net/ipv6/conf/eth2/addr_gen_mode': '0',
  },
});

const lab = (bridges: object) => ({ version: 1, name: 'random', bridges, tuns: {}, vms: {} });

const behind = (mode: 'nat' | 'routed') => ({ mode, address: 'auto', dhcp: true });

// biome-ignore lint/suspicious/noExplicitAny: a lab file, and a host as describe-host.ts has it
type Example = [labs: any[], host: any];

/** A bridge took over that its uplink forwards, which a lab had turned on there; and lost it when it became one behind the host. */
const TAKEN_OVER: Example = [
  [
    lab({ br0: behind('routed') }),
    lab({ br0: { uplink: 'eth0' }, br1: { uplink: 'eth1' } }),
    lab({ br0: { uplink: 'eth0' }, br1: behind('nat') }),
  ],
  bare('eth1'),
];

/** A bridge behind the host became the way out, and was to be as its new uplink, which does not forward. */
const LOST: Example = [
  [
    lab({ br0: { address: ['203.0.113.2/27'], mode: 'nat' } }),
    lab({ br0: { uplink: 'eth0' }, br1: behind('routed') }),
  ],
  bare('eth0'),
];

export const FORWARDING: Example[] = [TAKEN_OVER, LOST];
