/** The root queueing discipline of a tap. */
export interface Queue {
  readonly dev: string;
  /** `tbf`, `netem`, … */
  readonly kind: string;
  /** `1a2b:` */
  readonly handle: string;
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

/** One VLAN of a bridge port. */
export interface PortVlan {
  readonly vid: number;
  /** That of frames which come in without a tag. */
  readonly pvid: boolean;
  /** Frames of it go out without a tag. */
  readonly untagged: boolean;
}

/** A MAC that a bridge has learned. */
export interface Learned {
  readonly mac: string;
  readonly bridge: string;
  readonly port: string;
}
