import type { Sealed } from './sealed.js';

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
  readonly tuns: readonly Tun[];
}

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
  | { readonly kind: 'image'; readonly image: string }
  | {
      /** The user's own domain: all but its name, its UUID and the lab's NICs is as that file says. */
      readonly kind: 'domainXml';
      readonly file: string;
      /** Without faults. May hold passwords. null where it was not read. */
      readonly xml: Sealed | null;
    }
  /** Not made by vmnet: only its NICs are. */
  | { readonly kind: 'existing' };

export interface Vm {
  /** The key in the lab file. */
  readonly name: string;
  /** Name of the libvirt domain: `LAB-VM`, or that of one that is not ours. */
  readonly domain: string;
  /** Derived from lab and VM, so that a plan needs no randomness; not that of a domain which is not ours. */
  readonly uuid: string;
  /** 0 where a domain XML does not tell. */
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly accel: 'auto' | 'kvm' | 'tcg';
  readonly boot: Boot;
  /** Of an image: what runs before its boot loader. */
  readonly firmware: 'bios' | 'uefi';
  /** In the order in which the guest sees them; that of the image that it boots is the first. */
  readonly disks: readonly Disk[];
  /** The disks stay where the VM goes. */
  readonly keepDisk: boolean;
  /** null where the guest gets no seed. */
  readonly cloudInit: CloudInit | null;
  /** For the machine that Vagrant makes of it; only where the file says something of Vagrant. */
  readonly vagrant?: { readonly box: string | null };
  /** Names of VMs that are ready before this one starts; missing where there are none. */
  readonly dependsOn?: readonly string[];
  /** When others may count on it; missing: see `readyOf` in order.ts. */
  readonly ready?: Ready;
  /** Seconds that this may take; missing: see `readySeconds` in order.ts. */
  readonly readyTimeout?: number;
  /** libvirt starts it with the host; missing where the file says nothing of it. */
  readonly autostart?: boolean;
  readonly nics: readonly Nic[];
}

/**
 * When others may count on a VM. `none`: once it is started; `up`: its console says so, or a first frame came from it;
 * `address`: it has said which address it has; `ssh`, `tcp:PORT`: something answers there; `agent`: its guest agent answers.
 */
export type Ready = 'none' | 'up' | 'address' | 'ssh' | 'agent' | `tcp:${number}`;

/** A second MAC on an interface of the host, handed to a guest. */
export interface Macvtap {
  /** Name of the interface that it shares. */
  readonly uplink: string;
  /** Whether macvtaps of one uplink reach each other: directly, by way of the switch, or not; `passthru`: there is no other. */
  readonly mode: MacvtapMode;
}

export type MacvtapMode = 'bridge' | 'vepa' | 'private' | 'passthru';
/** A disk of a VM, in a file of its own. */
export interface Disk {
  /** Name of that file: another image gives another file. */
  readonly name: string;
  /** Absolute path of what lies below, which is not written to; null for an empty disk. */
  readonly image: string | null;
  /** Format of the image, or of the file of an empty disk. */
  readonly format: 'qcow2' | 'raw';
  /** MiB that the guest sees; null takes the image's. */
  readonly sizeMiB: number | null;
  readonly readOnly: boolean;
}

/** What cloud-init is told of a VM, beside its NICs. */
export interface CloudInit {
  readonly hostname: string;
  /** One line each. */
  readonly sshKeys: readonly string[];
  /** DNS servers, without prefix. */
  readonly dns: readonly string[];
  /** Absolute path of the file that user data came from; null where it stands in the lab file, or there is none. */
  readonly file: string | null;
  /** What the user wrote, without faults; host name and keys are still to be merged in. May hold passwords. */
  readonly userData: Sealed | null;
}

export interface Nic {
  readonly vm: string;
  /** Position in the VM's list, from 0. */
  readonly index: number;
  /** Name of a bridge of the lab; null for a macvtap, which passes none. */
  readonly bridge: string | null;
  /** Set for a macvtap only: libvirt makes its device when the guest starts, vmnet makes no tap. */
  readonly macvtap?: Macvtap;
  /** Six lower-case hex bytes with colons, unicast, first byte not `fe`. */
  readonly mac: string;
  /** Interface name of the tap or macvtap, at most 15 bytes. */
  readonly tap: string;
  readonly model: 'virtio' | 'e1000e' | 'rtl8139';
  /** Missing for a cable that is plugged in. */
  readonly link?: 'down';
  /** Place in the order of booting, from 1; missing where it is not booted from. */
  readonly boot?: number;
  /** Slot on the root bus, 1 to 30; missing where libvirt chooses a port. */
  readonly pciSlot?: number;
  /** What a virtio card may leave to the other side, or not; what is missing is QEMU's default. */
  readonly offloads?: Readonly<Partial<Record<Offload, boolean>>>;
  /** Frames are handled by the kernel (vhost-net), or by QEMU; missing where libvirt chooses. */
  readonly vhost?: boolean;
  /** Queue pairs; more than 1 only with virtio. */
  readonly queues: number;
  /** Bytes; null takes the bridge's. */
  readonly mtu: number | null;
  /** CIDRs, IPv4 and IPv6, that the guest is meant to have. */
  readonly addresses: readonly string[];
  /** Default gateways, at most one for each of IPv4 and IPv6, without prefix. */
  readonly gateways: readonly string[];
  /** null where the bridge knows no VLANs, or the NIC is in its native one. */
  readonly vlan: Vlan | null;
  /** Cannot reach the other isolated ports of its bridge. */
  readonly isolated: boolean;
  /** `mac`: nothing by another MAC gets in; `ip`: neither from, or about, an address that is not in `addresses`. */
  readonly antiSpoof: 'off' | 'mac' | 'ip';
  /** What the guest may not send, in the order of this list. */
  readonly guard: readonly Guard[];
  /** Bits a second, to the guest and from it; null is no limit. */
  readonly bandwidth: { readonly in: number | null; readonly out: number | null };
  /** On the way to the guest; null where nothing is. */
  readonly impair: Impair | null;
  /** Ownership mark of the tap: `vmnet.LAB.VM.INDEX`. */
  readonly altname: string;
  /** Ownership mark for people: `vmnet:LAB:VM:INDEX`. */
  readonly alias: string;
}

/** `tso` is that of both IPv4 and IPv6. */
export type Offload = 'csum' | 'gso' | 'tso' | 'ecn' | 'ufo' | 'mrgRxbuf';

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
  readonly bridge: string;
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

/** Answers of a DHCP server; advertisements and redirects of an IPv6 router; messages of the spanning tree. */
export type Guard = 'dhcp' | 'ra' | 'bpdu';

/** A bad line: 0 is none of it, and null no limit. */
export interface Impair {
  /** Microseconds. */
  readonly delay: number;
  readonly jitter: number;
  /** Millionths of all frames. */
  readonly loss: number;
  readonly corrupt: number;
  readonly reorder: number;
  /** Bits a second. */
  readonly rate: number | null;
}
/** A persistent layer-3 device that a program of the host opens. */
export interface Tun {
  /** Interface name, at most 15 bytes. */
  readonly name: string;
  /** Name or number of the user who may open it, in digits; null: any member of the group. */
  readonly owner: string | null;
  /** The same of a group; with both, it takes both. */
  readonly group: string | null;
  /** CIDRs, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  /** Address of the other end, without prefix. */
  readonly peer: string | null;
  /** Bytes. */
  readonly mtu: number;
  readonly multiQueue: boolean;
  /** Ownership mark: `vmnet.LAB.TUN`; bridges and tuns share one set of names. */
  readonly altname: string;
  /** Ownership mark for people: `vmnet:LAB:TUN`. */
  readonly alias: string;
}
