import type { FreeMemory } from './memory.js';
import type { DockerChain, FirewallRule, ForwardDrop, TableState } from './model/filters.js';
import type { DomainState, LibvirtNetwork, LibvirtState, LibvirtUser } from './model/libvirt.js';
import type { Learned, Link, PortVlan, Queue } from './model/link.js';
import type { NamespaceState } from './model/namespace.js';
import type { OvsState } from './model/ovs.js';
import type { Accounts, Manager, Owner, Renewer, ServiceState } from './model/programs.js';
import type { LabRecord } from './model/record.js';
import type { Neighbour, Nexthop, Route, Rule } from './model/routing.js';

export type * from './model/filters.js';
export type * from './model/libvirt.js';
export type * from './model/link.js';
export type * from './model/namespace.js';
export type * from './model/ovs.js';
export type * from './model/programs.js';
export type * from './model/record.js';
export type * from './model/routing.js';

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
  /**
   * Domains, where libvirt was left out though a tap of the lab in question is open; missing where none is, where
   * nobody asked who has them, and where libvirt cannot be reached.
   */
  readonly tapDomains?: readonly DomainState[];
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

/** Kernel features that were tried in a throw-away namespace and failed. */
export type KernelLack = 'vlan-filtering' | 'vlan-interface';
