/**
 * Where a bridge's own addresses come from. `cidrs` are like `192.168.1.1/24` or `fd00::1/64`. `auto`: a free subnet,
 * which depends on the host; `cidrs` is empty until a plan has chosen it.
 */
export type BridgeAddress =
  | { readonly mode: 'inherit' }
  | { readonly mode: 'none' }
  | { readonly mode: 'auto'; readonly cidrs: readonly string[] }
  | { readonly mode: 'static'; readonly cidrs: readonly string[] };

/**
 * What a bridge is for. `bridged`: its ports are on the uplink's network; `isolated`: nothing of it gets out;
 * `nat`: out through the host, with the host's address; `routed`: out and in through the host, as they are.
 */
export type BridgeMode = 'bridged' | 'isolated' | 'nat' | 'routed';

/** The VLANs of a port: one without tags, or several with theirs and one of frames that have none. */
export type Vlan =
  | { readonly access: number }
  | { readonly trunk: readonly number[]; readonly native: number | null };

export interface Bridge {
  /** Interface name, at most 15 bytes. */
  readonly name: string;
  /** What switches: the kernel's bridge, or Open vSwitch. */
  readonly type: 'linux' | 'ovs';
  /** Name of the physical interface that becomes a port, or null for a bridge without one. */
  readonly uplink: string | null;
  /** Somebody else's, which exists already: nothing of it is changed but its ports, and only those of the lab. */
  readonly permanent: boolean;
  readonly mode: BridgeMode;
  /** `allow`: a rule in Docker's chain DOCKER-USER lets pass what the bridge forwards; `keep`: none does. */
  readonly docker: 'keep' | 'allow';
  readonly address: BridgeAddress;
  /** DHCP and DNS for its guests; null where nobody serves them. */
  readonly dhcp: Dhcp | null;
  /** Addresses, without prefix, that must be reached before and after the uplink moves. */
  readonly peers: readonly string[];
  /** Ports of a Linux bridge carry only their own VLANs. */
  readonly vlanFiltering: boolean;
  /** What the uplink carries; null: all VLANs of the NICs. */
  readonly uplinkVlan: Vlan | null;
  /** `keep`: leave br_netfilter's sysctls alone; `off`: bridged frames skip the host's netfilter. */
  readonly bridgeNetfilter: 'keep' | 'off';
  /** Bytes; null takes the uplink's, or 1500 without one. */
  readonly mtu: number | null;
  readonly stp: boolean;
  /** Seconds, 0 to 30. */
  readonly forwardDelay: number;
  /** null leaves the kernel's default. */
  readonly multicastSnooping: boolean | null;
  /** MAC for a bridge without uplink (with one, the uplink's is pinned): locally administered, derived from the names. */
  readonly mac: string;
  /** Ownership mark as an alternative interface name: `vmnet.LAB.BRIDGE`. */
  readonly altname: string;
  /** Ownership mark for people, in `ip link`: `vmnet:LAB:BRIDGE`. */
  readonly alias: string;
}

/** What a bridge's dnsmasq serves, in the first IPv4 subnet of the bridge. */
export interface Dhcp {
  /** First and last IPv4 address for guests without one of their own; null leaves it to the subnet. */
  readonly range: readonly [first: string, last: string] | null;
  readonly leaseSeconds: number;
  /** Resolvers that guests are told of; empty is the bridge's own address. */
  readonly dns: readonly string[];
  /** Lower-case, without a dot at its end. */
  readonly domain: string;
}
