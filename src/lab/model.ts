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
}

/** Where a bridge's own addresses come from. `cidrs` are like `192.168.1.1/24` or `fd00::1/64`. */
export type BridgeAddress =
  | { readonly mode: 'inherit' }
  | { readonly mode: 'none' }
  | { readonly mode: 'static'; readonly cidrs: readonly string[] };

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
  readonly address: BridgeAddress;
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

/** What a VM boots; paths are absolute. */
export type Boot =
  | { readonly kind: 'probe' }
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
  /** null where the bridge knows no VLANs, or the NIC is in its native one. */
  readonly vlan: Vlan | null;
  /** Ownership mark of the tap: `vmnet.LAB.VM.INDEX`. */
  readonly altname: string;
  /** Ownership mark for people: `vmnet:LAB:VM:INDEX`. */
  readonly alias: string;
}
