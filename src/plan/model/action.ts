import type { DockerChain, Renewer } from '../../host/model.js';
import type { Sealed } from '../../lab/sealed.js';
import type { Awaited, DomainBefore, GuestRef, NicChange } from './guest.js';

export type Action =
  /** Lines of one `ip -batch`, or `bridge -batch`; neighbouring ones of a phase are joined. */
  | {
      readonly kind: 'ip';
      /** Default: `ip`. */
      readonly program?: 'bridge';
      readonly family?: 6;
      readonly lines: readonly string[];
    }
  /** Commands of one transaction of `ovs-vsctl`; neighbouring ones of a phase are joined. */
  | { readonly kind: 'ovs'; readonly commands: readonly (readonly string[])[] }
  /** Delete a bridge of Open vSwitch with all its ports, if it bears the lab's mark. */
  | { readonly kind: 'delete-ovs'; readonly bridge: string; readonly lab: string }
  | { readonly kind: 'delete-links'; readonly links: readonly LinkRef[] }
  /** Lines of one `tc -batch`; joined likewise. */
  | { readonly kind: 'tc'; readonly lines: readonly string[] }
  /** One transaction of nft. */
  | { readonly kind: 'nft'; readonly script: string }
  /** What is done inside network namespaces: a process for each at most; neighbouring ones of a phase are joined. */
  | { readonly kind: 'inside'; readonly work: readonly InsideWork[] }
  | {
      readonly kind: 'delete-namespaces';
      readonly namespaces: readonly NamespaceRef[];
      /** Take the folder of names away as well, where it is then empty. */
      readonly folder: boolean;
    }
  /** Lines of one `iptables-restore --noflush`, a transaction. */
  | { readonly kind: 'iptables'; readonly program: DockerChain['program']; readonly script: string }
  | { readonly kind: 'sysctl'; readonly path: string; readonly value: string }
  /** Turn LRO on again. */
  | { readonly kind: 'lro'; readonly dev: string }
  /** Wait a moment for routers to say that they are there, then delete what stood in for each. */
  | { readonly kind: 'routers'; readonly dev: string; readonly standIns: readonly StandIn[] }
  /** A copy-on-write disk over an image; `owner`, here and below, is the user whose QEMU opens it, where libvirt does not see to that. */
  | {
      readonly kind: 'overlay';
      readonly path: string;
      readonly image: string;
      readonly format: 'qcow2' | 'raw';
      /** null takes the image's. */
      readonly sizeMiB: number | null;
      readonly owner?: number;
    }
  /** An empty disk. */
  | {
      readonly kind: 'disk';
      readonly path: string;
      readonly format: 'qcow2' | 'raw';
      readonly sizeMiB: number;
      readonly owner?: number;
    }
  /** What cloud-init reads, as a disk; neither a journal nor a printed plan has its user data. */
  | {
      readonly kind: 'seed';
      readonly path: string;
      /** Text by file name. */
      readonly files: Readonly<Record<string, string>>;
      readonly userData: Sealed;
      readonly owner?: number;
    }
  /** An empty file that says something by being there. */
  | { readonly kind: 'mark-file'; readonly path: string }
  | { readonly kind: 'remove-file'; readonly path: string }
  /** A small file for another program of the host, and the command that has it read; null: it is read at the next start. */
  | {
      readonly kind: 'tell';
      readonly path: string;
      /** null takes the file away. */
      readonly text: string | null;
      readonly reload: readonly [string, ...string[]] | null;
    }
  /** NetworkManager's command that activates a connection, for a device that it lets be. */
  | { readonly kind: 'reactivate'; readonly dev: string; readonly argv: readonly string[] }
  /** Start a dnsmasq with this text as its config file; one that runs with it already is left alone. */
  | ({ readonly kind: 'start-dnsmasq'; readonly digest: string; readonly config: string } & DnsmasqRef)
  /** End whatever dnsmasq of ours serves the bridge. */
  | ({ readonly kind: 'stop-dnsmasq' } & DnsmasqRef)
  | {
      readonly kind: 'define';
      readonly name: string;
      readonly uuid: string;
      readonly xml: string;
      /** The user's file that most of it is from, in quotes for people. */
      readonly from?: string;
    }
  | {
      readonly kind: 'undefine';
      readonly name: string;
      readonly uuid: string;
      /** The file of its UEFI variables stays. */
      readonly keepNvram?: boolean;
    }
  /** Whether libvirt starts it with the host. */
  | { readonly kind: 'autostart'; readonly name: string; readonly uuid: string; readonly on: boolean }
  | ({ readonly kind: 'start' } & GuestRef)
  /** Wait until a started guest is ready. */
  | ({ readonly kind: 'await' } & GuestRef & Awaited)
  | { readonly kind: 'stop'; readonly name: string; readonly uuid: string }
  /** Plug a NIC into a domain, pull it out, or change what can be changed in place. */
  | ({ readonly kind: 'plug' | 'unplug' | 'change-nic' } & NicChange)
  /** Give a domain that is not ours the definition again that the lab's record has of it, or take back ours alone. */
  | ({ readonly kind: 'restore-domain' } & DomainBefore)
  /** Write down in a running domain what its NICs are. */
  | {
      readonly kind: 'mark';
      readonly name: string;
      readonly uuid: string;
      readonly uri: string;
      readonly xml: string;
    }
  /** Let a DHCP client stand still: it can go on as if nothing had been, or be ended. */
  | { readonly kind: 'freeze-renewer'; readonly client: Renewer['client']; readonly on: string }
  /** End a DHCP client so that it neither releases its lease nor takes the address away. */
  | { readonly kind: 'stop-renewer'; readonly client: Renewer['client']; readonly on: string }
  /** Start one, or let it go on where it stands still; one that is started first learns the lease of another interface. */
  | ({ readonly kind: 'start-renewer'; readonly seed: LeaseSeed | null } & RenewerRef)
  /** Wait until one that was just started has its lease, and all addresses are still there. */
  | ({
      readonly kind: 'await-renewal';
      /** CIDRs. */
      readonly addresses: readonly string[];
      /** Interface that no client may look after meanwhile. */
      readonly instead: string;
      /** Milliseconds. */
      readonly within: number;
      /** A lease that does not come is an error; else it is only told. */
      readonly must: boolean;
    } & RenewerRef);

/** Settings first, since some tell how an address or a link comes up; then the lines of one `ip -batch`. */
export interface InsideWork {
  /** Its name below /run/netns. */
  readonly namespace: string;
  readonly sysctls: readonly (readonly [path: string, value: string])[];
  readonly lines: readonly string[];
}

/** A namespace of ours: found by its name and its mark; by its name alone where the plan saw that none was there. */
export interface NamespaceRef {
  readonly name: string;
  readonly mark: string;
  readonly created: boolean;
}

/** All rules of a lab of one family: loaded, exchanged and deleted as one. */
export interface Table {
  readonly family: 'inet' | 'bridge';
  /** What stands between the braces, one statement a line. */
  readonly body: readonly string[];
}

/** What serves DHCP and DNS on a bridge of a lab. */
export interface DnsmasqRef {
  readonly lab: string;
  /** As the lab calls it. */
  readonly bridge: string;
}

/** A DHCP client on one interface. */
export interface RenewerRef extends Omit<Renewer, 'on'> {
  readonly on: string;
}

/** Where the lease of an interface is kept. */
export interface LeaseSeed {
  readonly on: string;
  readonly path: string;
}

/** A link of ours: found by its altname; by its name only where the plan saw that no such link existed before. */
export interface LinkRef {
  readonly altname: string;
  readonly createdAs: string | null;
}

/** A route in the place of one that the kernel has to learn anew. */
export interface StandIn {
  readonly gateway: string;
  /** Of the route that the kernel learns. */
  readonly metric: number;
  /** Deletes the one that stands in. */
  readonly line: string;
}
