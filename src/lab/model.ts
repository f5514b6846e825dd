/**
 * What the user wants, complete and validated: every default is filled in, every name is safe to hand to
 * `ip -batch` and to XML, every path is absolute. Made by load.ts only; never changed afterwards.
 */
export interface Lab {
  /** 1 to 32 characters of `a-z A-Z 0-9 _ -`, the first a letter or digit. */
  readonly name: string;
  /** Absolute path of the file it came from. */
  readonly file: string;
  readonly bridges: readonly Bridge[];
  readonly vms: readonly Vm[];
  readonly namespaces: readonly Namespace[];
  readonly links: readonly VethLink[];
}

/** Where a bridge's own addresses come from. `cidrs` are like `192.168.1.1/24` or `fd00::1/64`. */
export type BridgeAddress =
  | { readonly mode: 'inherit' }
  | { readonly mode: 'none' }
  | { readonly mode: 'static'; readonly cidrs: readonly string[] };

/**
 * What a bridge is for. `bridged`: its ports are on the uplink's network; `isolated`: nothing of it gets out;
 * `nat`: out through the host, with the host's address; `routed`: out and in through the host, as they are.
 */
export type BridgeMode = 'bridged' | 'isolated' | 'nat' | 'routed';

export interface Bridge {
  /** Interface name, at most 15 bytes. */
  readonly name: string;
  /** Name of the physical interface that becomes a port, or null for a bridge without one. */
  readonly uplink: string | null;
  /** Somebody else's, which exists already: nothing of it is changed but its ports, and only those of the lab. */
  readonly permanent: boolean;
  readonly mode: BridgeMode;
  readonly address: BridgeAddress;
  /** Addresses, without prefix, that must be reached before and after the uplink moves. */
  readonly peers: readonly string[];
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

/** What a VM boots; paths are absolute. */
export type Boot =
  | {
      readonly kind: 'probe';
      /** Forwards between its NICs. */
      readonly forward: boolean;
    }
  | {
      readonly kind: 'kernel';
      readonly kernel: string;
      readonly initrd: string | null;
      readonly cmdline: string;
    }
  | { readonly kind: 'image'; readonly image: string };

export interface Vm {
  /** The key in the lab file. */
  readonly name: string;
  /** Name of the libvirt domain: `LAB-VM`. */
  readonly domain: string;
  /** Derived from lab and VM, so that a plan needs no randomness. */
  readonly uuid: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly accel: 'auto' | 'kvm' | 'tcg';
  readonly boot: Boot;
  /** For the machine that Vagrant makes of it; only where the file says something of Vagrant. */
  readonly vagrant?: { readonly box: string | null };
  readonly nics: readonly Nic[];
}

export interface Nic {
  readonly vm: string;
  /** Position in the VM's list, from 0. */
  readonly index: number;
  /** Name of a bridge of the lab. */
  readonly bridge: string;
  /** Six lower-case hex bytes with colons, unicast, first byte not `fe`. */
  readonly mac: string;
  /** Interface name of the tap, at most 15 bytes. */
  readonly tap: string;
  readonly model: 'virtio' | 'e1000e' | 'rtl8139';
  /** Queue pairs; more than 1 only with virtio. */
  readonly queues: number;
  /** Bytes; null takes the bridge's. */
  readonly mtu: number | null;
  /** CIDRs, IPv4 and IPv6, that the guest is meant to have. */
  readonly addresses: readonly string[];
  /** Default gateways, at most one for each of IPv4 and IPv6, without prefix. */
  readonly gateways: readonly string[];
  /** Ownership mark of the tap: `vmnet.LAB.VM.INDEX`. */
  readonly altname: string;
  /** Ownership mark for people: `vmnet:LAB:VM:INDEX`. */
  readonly alias: string;
}

/** A network namespace as an endpoint. */
export interface Namespace {
  /** The key in the lab file. */
  readonly name: string;
  /** Its name below /run/netns: `LAB-NAME`. */
  readonly netns: string;
  readonly nics: readonly NamespaceNic[];
  readonly routes: readonly NamespaceRoute[];
  /** Values by path below /proc/sys, such as `net/ipv4/ip_forward`. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Ownership mark, on its loopback interface: `vmnet.LAB.NAME`. */
  readonly altname: string;
  /** Ownership mark for people: `vmnet:LAB:NAME`. */
  readonly alias: string;
}

/**
 * A NIC whose guest is a namespace: `vm` is the namespace, `tap` the end of its veth on the host, and its addresses are
 * given to it. Both ends bear the mark, each in its own namespace.
 */
export interface NamespaceNic extends Nic {
  /** Name of the interface inside. */
  readonly name: string;
}

export interface NamespaceRoute {
  /** A subnet; that of everything is `0.0.0.0/0` or `::/0`. */
  readonly to: string;
  /** Address of the gateway. */
  readonly via: string;
}

/** A veth pair without a bridge. */
export interface VethLink {
  readonly ends: readonly [LinkEnd, LinkEnd];
  /** Bytes. */
  readonly mtu: number;
}

export interface LinkEnd {
  /** Name of a namespace of the lab; null for the host itself. */
  readonly namespace: string | null;
  /** Interface name there. */
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  /** Ownership mark: `vmnet.LAB.NAMESPACE.NAME`, with `host` for the host. */
  readonly altname: string;
  readonly alias: string;
}
