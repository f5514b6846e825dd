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

/** Who renews the leases of an interface, or sets its addresses anew. */
export interface Renewer {
  readonly client: 'dhclient' | 'dhcpcd' | 'udhcpc' | 'systemd-networkd' | 'NetworkManager';
  /** Its only interface; null where it looks after several, or after all. */
  readonly on: string | null;
  /** The command that starts it: as it was started, unless it hides that; NetworkManager's activates its connection. */
  readonly argv: readonly string[];
  /** File that it keeps the lease in, or all that it knows of the interface; null where it keeps none. */
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
