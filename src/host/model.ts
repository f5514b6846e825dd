import type { Lab, Vlan } from '../lab/model.js';
import type { NicMark } from '../lab/nic-marks.js';
import type { FreeMemory } from './memory.js';

/** What is there: plain data, read only, as one observation saw it. */
export interface HostState {
  /** Kernel's boot id: an undo from another boot is never replayed. */
  readonly bootId: string;
  /** Inode of the network namespace that was observed. */
  readonly netns: string;
  readonly links: readonly Link[];
  /** Routes of every table, without those that the kernel makes by itself in table `local`. */
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly nexthops: readonly Nexthop[];
  /** Permanent neighbour entries only. */
  readonly neighbours: readonly Neighbour[];
  /** Sysctls that a plan may touch, by path below /proc/sys; a missing key is absent in this kernel. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Physical interfaces that are Wi-Fi stations: those cannot be bridge ports. */
  readonly wireless: readonly string[];
  /** Firewall rules and the like that name an uplink which the lab wants and no bridge has yet. */
  readonly firewall: readonly FirewallRule[];
  /** What the lab's bridges have learned, where NICs are to be put on one that is there already; else empty. */
  readonly fdb: readonly Learned[];
  /** Of the uplinks that no bridge has yet, those with LRO on, which a bridge turns off. */
  readonly lro?: readonly string[];
  /** DHCP clients that look after such an uplink, or after one whose client was moved to its bridge. */
  readonly renewers: readonly Renewer[];
  /** Who manages such an uplink, by its name; empty where we are not in the network namespace of process 1. */
  readonly owners: Readonly<Record<string, readonly Owner[]>>;
  /** Network managers that take hold of new links, and may be told to let ours be. */
  readonly managers: readonly Manager[];
  /** Disks, seeds and marks that the lab has already. */
  readonly disks: readonly string[];
  /** Images of the lab over which a disk is still to be made. */
  readonly images?: readonly ImageState[];
  /** Bytes of the file system that disks are made in; only where one is to be made. */
  readonly space?: { readonly free: number; readonly total: number } | null;
  /** VLANs of bridge ports, by name, where a bridge filters. */
  readonly vlans?: Readonly<Record<string, readonly PortVlan[]>>;
  /** null where it is not there and no lab wants it. */
  readonly ovs?: OvsState | null;
  /** What the lab wants and this kernel cannot do. */
  readonly lacks?: readonly KernelLack[];
  /** Tables of nftables that bear a lab's name; empty where neither the lab nor its record has any. */
  readonly tables: readonly TableState[];
  /** Network namespaces with a name; absent where there are none. */
  readonly namespaces?: readonly NamespaceState[];
  /** The folder of their names is there: ip(8) makes it with the first, and leaves it behind. */
  readonly namespaceFolder?: boolean;
  /** libvirt's own networks; absent where no lab in question has a subnet that could clash with theirs. */
  readonly networks?: readonly LibvirtNetwork[];
  /** Chains of the host's own filters that can drop what is forwarded; empty where the lab has nothing forwarded. */
  readonly forwardDrops: readonly ForwardDrop[];
  /** Docker's chains for rules of others, where a lab or its record has to do with them; else empty. */
  readonly docker: readonly DockerChain[];
  /** What serves DHCP and DNS for labs; empty where neither the lab nor its record asks for that. */
  readonly services: readonly ServiceState[];
  /** What somebody set at the way out of the lab's taps; missing where neither the lab nor its record has any. */
  readonly queues?: readonly Queue[];
  /** Why the kernel refuses a kind of queueing discipline, null where it takes it; only those that were tried. */
  readonly queueing?: Readonly<Record<string, string | null>>;
  /** Users and groups that the lab names, by that name or number; those that are not there are missing. */
  readonly accounts?: Accounts;
  /** Absent where no guest is to be started, null where the kernel does not tell. */
  readonly memory?: FreeMemory | null;
  /** null where libvirt was not asked (`--network-only`). */
  readonly libvirt: LibvirtState | null;
  /** Whose libvirt the lab's guests are in; missing where it is that of the host. */
  readonly libvirtUser?: LibvirtUser;
  /** Is there /dev/vhost-net? Missing where no NIC asks for it. */
  readonly vhostNet?: boolean;
  /** What earlier runs wrote down about the labs they applied. */
  readonly records: readonly LabRecord[];
}

/** A disk image that is not ours. */
export interface ImageState {
  readonly path: string;
  /** As the lab has it. */
  readonly format: 'qcow2' | 'raw';
  /** Bytes that a guest sees. */
  readonly size: number;
  /** Why no disk may lie over it, as the rest of a sentence, and what to do. */
  readonly fault: { readonly why: string; readonly fix: string } | null;
}

/** A rule of the host's own firewall, or a program on its way in or out, that has to do with an uplink. */
export interface FirewallRule {
  /** The interface that it names or is attached to. */
  readonly device: string;
  /** Table and chain, for people. */
  readonly where: string;
  readonly text: string;
  /**
   * When a bridge takes the uplink's place: what it let in stays out, what it kept out comes in, or something else ends.
   * `sees-guests`: it belongs to the port, and gets the guests' frames as well.
   */
  readonly effect: 'locks-out' | 'opens-up' | 'no-longer-applies' | 'sees-guests';
}

/** A table of nftables that vmnet made. */
export interface TableState {
  /** `inet`, `bridge`, … */
  readonly family: string;
  readonly name: string;
  /** Digest of what was loaded; null where it is not there any more. */
  readonly digest: string | null;
}

/** A chain on the way of what is forwarded. */
export interface ForwardDrop {
  readonly family: 'ip' | 'ip6' | 'inet';
  /** Table and chain, for people. */
  readonly where: string;
  /** `policy drop`, `handle 7 drops` */
  readonly drops: readonly string[];
}

/** A chain DOCKER-USER, which Docker makes and never fills. */
export interface DockerChain {
  /** Whose rules these are: those of the other kind are not seen by it. */
  readonly program: 'iptables-legacy' | 'iptables-nft' | 'ip6tables-legacy' | 'ip6tables-nft';
  readonly family: 4 | 6;
  /** Comments of our rules in it, `vmnet:LAB:BRIDGE`, with the chain that each leads to and the interface that this lets pass. */
  readonly rules: readonly DockerRule[];
}

export interface DockerRule {
  readonly comment: string;
  readonly chain: string;
  /** null where the chain is not as we made it. */
  readonly bridge: string | null;
}

/** A dnsmasq that vmnet started, and that runs. */
export interface ServiceState {
  readonly lab: string;
  /** Of the lab: the bridge's own name may be another by now. */
  readonly bridge: string;
  /** Of the text that it was started with. */
  readonly digest: string;
  /** That text, which an undo starts it with again; null where the file is gone. */
  readonly config: string | null;
}

/** The root queueing discipline of a tap. */
export interface Queue {
  readonly dev: string;
  /** `tbf`, `netem`, … */
  readonly kind: string;
  /** `1a2b:` */
  readonly handle: string;
}

/** A program of the host that looks after an interface. */
export interface Owner {
  readonly name: 'NetworkManager' | 'systemd-networkd' | 'netplan' | 'ifupdown' | 'Docker' | 'firewalld';
  /** What it says of the interface, and where. */
  readonly how: string;
  /** What it may do when the interface becomes a bridge's port. */
  readonly effect: string;
}

/** A network manager, and our word to it. */
export interface Manager {
  readonly name: 'NetworkManager' | 'systemd-networkd';
  /** File of ours for this lab, which lasts until the next boot. */
  readonly path: string;
  /** Its text; null where there is none. */
  readonly text: string | null;
}

/** A DHCP client, which renews the leases of an interface. */
export interface Renewer {
  readonly client: 'dhclient' | 'dhcpcd' | 'udhcpc' | 'systemd-networkd';
  /** Its only interface; null where it looks after several, or after all. */
  readonly on: string | null;
  /** The command that starts it: as it was started, unless it hides that. */
  readonly argv: readonly string[];
  /** File that it keeps the lease in; null where it keeps none. */
  readonly leases: string | null;
  /** networkd's settings for the interface, as another would take them over; without [Match]. None where it has no lease. */
  readonly settings?: string;
}

export interface Accounts {
  readonly users: readonly Account[];
  readonly groups: readonly Account[];
}

/** A user or group. */
export interface Account {
  /** As the lab calls it, by name or number. */
  readonly asked: string;
  readonly name: string;
  readonly id: number;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Link layer: `ether`, `loopback`, … */
  readonly type: string;
  readonly mac: string;
  readonly mtu: number;
  /** Administratively up. */
  readonly up: boolean;
  /** `UP`, `DOWN`, `LOWERLAYERDOWN`, `UNKNOWN`, … */
  readonly operState: string;
  /** Of a tap: a process has it open. */
  readonly carrier: boolean;
  /** Kernel's link kind: `bridge`, `tun`, `veth`, `vlan`, …; null for a physical device. */
  readonly kind: string | null;
  /** Name of the bridge or bond it belongs to. */
  readonly master: string | null;
  /** Bridge port state: `forwarding`, `disabled`, …; null where it is no bridge port. */
  readonly portState: string | null;
  /** Of a bridge port: may not talk to other isolated ones. */
  readonly isolated: boolean;
  readonly altnames: readonly string[];
  readonly alias: string | null;
  /** Set for taps only. */
  readonly tap: {
    readonly vnetHdr: boolean;
    readonly multiQueue: boolean;
    readonly persist: boolean;
    /** Who may open it beside root, by name where `ip` knows one, else by number; missing where nobody may. */
    readonly owner?: string;
  } | null;
  /** Set for macvlans and macvtaps only: the interface that they share, null where another namespace has it. */
  readonly macvlan?: { readonly lower: string | null; readonly mode: string };
  /** Set for layer-3 tuns only: whose it is, by name where `ip` knows one, else by number. */
  readonly tun?: {
    readonly owner: string | null;
    readonly group: string | null;
    readonly multiQueue: boolean;
  };
  /** Set for bridges only; forward delay in seconds. */
  readonly bridge: {
    readonly stp: boolean;
    readonly forwardDelay: number;
    readonly multicastSnooping: boolean;
    /** Ports carry only their own VLANs; missing where they carry all. */
    readonly vlanFiltering?: true;
    /** VLAN that new ports are put into, where that is not 1; 0 for none. */
    readonly defaultPvid?: number;
  } | null;
  /** In the order of the dump, which is the order to add them in. */
  readonly addresses: readonly Address[];
  /** Of a veth: where its other end is. */
  readonly peer?: LinkPeer;
}

export interface LinkPeer {
  readonly index: number;
  /** Id of the network namespace that it is in, as this link's own counts them; null where it is the same. */
  readonly netnsid: number | null;
}

/** A network namespace with a name, looked into where it bears a mark of vmnet. */
export interface NamespaceState {
  readonly name: string;
  /** Its id as the host's links count them; null where it has none. */
  readonly id: number | null;
  /** Mark on its loopback interface: `vmnet.LAB.NAME`; null for any that is not ours, of which only the name is known. */
  readonly mark: string | null;
  readonly links: readonly Link[];
  readonly routes: readonly InnerRoute[];
  /** Those that a lab sets, by path below /proc/sys. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Whom the ids of its veths' other ends stand for: the name of a namespace, or null for the host. */
  readonly peers: Readonly<Record<number, string | null>>;
  /** Processes in it. */
  readonly pids: readonly number[];
}

/** A unicast route of a namespace's main table. */
export interface InnerRoute {
  readonly family: 4 | 6;
  /** A CIDR. */
  readonly dst: string;
  readonly gateway: string | null;
  readonly dev: string | null;
  readonly protocol: string;
  readonly metric: number | null;
}

export interface Address {
  readonly family: 4 | 6;
  /** Without prefix. */
  readonly local: string;
  readonly prefix: number;
  /** Point-to-point peer, if any. */
  readonly peer: string | null;
  readonly broadcast: string | null;
  /** `global`, `link`, `host`, … */
  readonly scope: string;
  readonly label: string | null;
  /** Metric of the prefix route. */
  readonly metric: number | null;
  /** Flags that `ip address add` takes: `noprefixroute`, `home`, `mngtmpaddr`. */
  readonly flags: readonly string[];
  /** Who made it (`kernel_ll`, …), where iproute2 tells; null elsewhere. */
  readonly protocol: string | null;
  /** Came from DHCP or a router advertisement and runs out. */
  readonly dynamic: boolean;
  /** Seconds; null is forever. */
  readonly validLifetime: number | null;
  readonly preferredLifetime: number | null;
  /** A privacy address (RFC 8981): the kernel makes a new one before it runs out. */
  readonly temporary?: true;
}

export interface Route {
  readonly family: 4 | 6;
  readonly type: string;
  /** `default` or a CIDR. */
  readonly dst: string;
  readonly table: string;
  readonly gateway: string | null;
  /** A gateway of the other family (`via inet6 …`). */
  readonly via: { readonly family: string; readonly host: string } | null;
  readonly dev: string | null;
  readonly protocol: string | null;
  readonly scope: string | null;
  readonly prefsrc: string | null;
  readonly src: string | null;
  readonly metric: number | null;
  readonly onlink: boolean;
  /** `mtu`, `advmss`, … in the order of the dump, with their values in ip's words. */
  readonly metrics: readonly (readonly [string, number | string])[];
  /** Multipath: one entry a hop. */
  readonly nexthops: readonly {
    readonly gateway: string | null;
    readonly dev: string;
    readonly weight: number;
    readonly onlink: boolean;
  }[];
  /** IPv6 router preference. */
  readonly pref: string | null;
  /** The nexthop object that it uses; its gateway and device are then the object's. */
  readonly nhid?: number;
  /** Seconds. */
  readonly expires?: number;
  /** `tos 0x10`, `realms 1/2`: words that the same command takes. */
  readonly options?: readonly string[];
  /** What it has that vmnet cannot add again (`encap`). */
  readonly odd?: readonly string[];
}

/** A nexthop object: one hop, or a group of such. */
export interface Nexthop {
  readonly id: number;
  /** Of a group: 6 where a member is of IPv6. */
  readonly family: 4 | 6;
  readonly gateway: string | null;
  /** null for groups and blackholes. */
  readonly dev: string | null;
  readonly onlink: boolean;
  readonly protocol: string | null;
  readonly group: readonly { readonly id: number; readonly weight: number }[];
  /** `type resilient buckets 32 …` */
  readonly options: readonly string[];
  /** What it has that vmnet cannot add again (`encap`). */
  readonly odd?: readonly string[];
}

export interface Rule {
  readonly family: 4 | 6;
  readonly priority: number;
  /** What follows `ip rule add`, interface names apart, in a form that the same command takes. */
  readonly selectors: readonly string[];
  readonly iif: string | null;
  readonly oif: string | null;
  readonly action: readonly string[];
  /** What it has that vmnet cannot add again (`masquerade`). */
  readonly odd?: readonly string[];
}

export interface Neighbour {
  readonly dst: string;
  readonly dev: string;
  readonly mac: string;
}

/** An ordinary user whose own libvirt has a lab's guests, and as whom their QEMUs run. */
export interface LibvirtUser {
  /** With the socket in it. */
  readonly uri: string;
  readonly uid: number;
  /** Its number where it has none. */
  readonly name: string;
}

export interface LibvirtState {
  readonly uri: string;
  readonly domains: readonly DomainState[];
  /** Those that the lab, or its record, gives NICs to though they are not ours; absent where there are none. */
  readonly existing?: readonly ExistingDomain[];
}

/** A domain that vmnet did not make, with all that it holds: passwords, too. */
export interface ExistingDomain {
  /** As the lab, or its record, calls it: somebody may have renamed it since. */
  readonly asked: string;
  readonly name: string;
  readonly uuid: string;
  /** What the next start takes; null for a transient domain, which has none. */
  readonly xml: string | null;
  /** As it runs; null where it does not. */
  readonly liveXml: string | null;
}

/** What a run writes down of such a domain before it changes it. */
export interface ExistingBefore {
  readonly name: string;
  /** The lab's VM that it stands for, and before it those that it stood for: their names are in the marks of its NICs. */
  readonly vms: readonly string[];
  /** Its definition as it was before the lab had any NIC in it; null for a transient domain. */
  readonly first: string | null;
  /** The same before the latest run that changed it. */
  readonly last: string | null;
}

/** A virtual network of libvirt's own, active or not. */
export interface LibvirtNetwork {
  readonly name: string;
  /** Null where it stands on none. */
  readonly bridge: string | null;
  readonly cidrs: readonly string[];
}

export interface DomainState {
  readonly name: string;
  readonly uuid: string;
  /** libvirt's word: `running`, `shutoff`, `paused`, `crashed`, … */
  readonly state: string;
  /** Our mark, from the domain's `<metadata>`; null where the domain is not ours. */
  readonly mark: DomainMark | null;
  /** The mark as it was when the running guest started; null where it does not run. */
  readonly liveMark: DomainMark | null;
  /** Inactive XML of our own domains, which an undo defines again; null for others. */
  readonly xml: string | null;
  /** The running guest's, where its mark is another than that of the definition; missing or null where it is as that. */
  readonly liveXml?: string | null;
  /** MACs, and names of host devices where the XML has them. */
  readonly nics: readonly { readonly mac: string; readonly target: string | null }[];
  /** libvirt starts it with the host; missing where it does not. */
  readonly autostart?: true;
}

/** One VLAN of a bridge port. */
export interface PortVlan {
  readonly vid: number;
  /** That of frames which come in without a tag. */
  readonly pvid: boolean;
  /** Frames of it go out without a tag. */
  readonly untagged: boolean;
}

/** Kernel features that were tried in a throw-away namespace and failed. */
export type KernelLack = 'vlan-filtering' | 'vlan-interface';

/** Open vSwitch, as its database has it. */
export interface OvsState {
  readonly bridges: readonly OvsBridge[];
  /** Why it cannot be used, where a lab wants it. */
  readonly trouble: 'not-installed' | 'no-database' | 'no-switch' | null;
  /** null where no bridge is to be made. */
  readonly kernelDatapath: boolean | null;
}

export interface OvsBridge {
  readonly name: string;
  /** Our mark, `external_ids:vmnet-lab`; null where another made it. */
  readonly lab: string | null;
  /** `netdev` switches in user space. */
  readonly datapath: 'system' | 'netdev';
  readonly mac: string | null;
  readonly stp: boolean;
  readonly multicastSnooping: boolean;
  /** By name; its own port, of its name, among them. */
  readonly ports: readonly OvsPort[];
}

export interface OvsPort {
  readonly name: string;
  readonly lab: string | null;
  /** null: all VLANs, with their tags; `mode` is one that no lab has. */
  readonly vlan: Vlan | { readonly mode: string } | null;
  /** OpenFlow's number. */
  readonly ofport: number | null;
  readonly mtu: number | null;
  /** A proof's own, which may have been killed. */
  readonly proof?: true;
  /** Why it could not be opened. */
  readonly error: string | null;
}

/** A MAC that a bridge has learned. */
export interface Learned {
  readonly mac: string;
  readonly bridge: string;
  readonly port: string;
}

export interface DomainMark {
  readonly lab: string;
  readonly vm: string;
  /** Digest of what was rendered. */
  readonly digest: string;
  /** Of the same without NICs; missing, like them, in marks of older versions. */
  readonly rest?: string;
  readonly nics?: readonly NicMark[];
}

/** What a run writes down so that `destroy NAME` works without the lab file. */
export interface LabRecord {
  readonly version: 1;
  readonly name: string;
  /** The lab as it was last applied. */
  readonly lab: Lab;
  /** Applied without domains, so libvirt need not be asked. */
  readonly networkOnly: boolean;
  readonly bootId: string;
  readonly netns: string;
  /** Whose libvirt has its guests, and may open its taps; missing where it is that of the host. */
  readonly libvirtUser?: Omit<LibvirtUser, 'name'>;
  /** How each uplink was before it was enslaved, by name. */
  readonly uplinks: Readonly<Record<string, UplinkBefore>>;
  /** There was no folder of namespaces' names before a lab made one. */
  readonly namespaceFolder?: 'made';
  /** bridge-nf-call-* as found, by path below /proc/sys, where the lab turned them off; else null. */
  readonly bridgeNetfilter: Readonly<Record<string, string>> | null;
  /** Switches for forwarding as found, by path below /proc/sys, where the lab has to have them on; else null. */
  readonly forwarding: Readonly<Record<string, string>> | null;
  /** Domains that vmnet did not make and has given NICs to, by UUID; missing where there are none. */
  readonly existing?: Readonly<Record<string, ExistingBefore>>;
}

export interface UplinkBefore {
  readonly up: boolean;
  /** Value of its sysctl `addr_gen_mode`; null without IPv6. */
  readonly addrGenMode: string | null;
  /** True where its addresses and routes moved to the bridge. */
  readonly moved: boolean;
  /** LRO was on. */
  readonly lro?: true;
  /** Sysctls of the bridge, by path, as they were before it took over the uplink's. */
  readonly bridgeSysctls?: Readonly<Record<string, string>>;
  /** DHCP clients that were moved along. */
  readonly renewers?: readonly Renewer[];
}
