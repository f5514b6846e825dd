/**
 * Who told of an address, the most trustworthy first. `agent`: the guest itself, by QEMU's agent; `lease`: the dnsmasq that
 * serves its bridge; `lab`: the lab file; `neighbour`: the host's own table; `arp`, `nd`: it answered our question, at its
 * tap; `seen`: it used it while somebody looked.
 */
export const SOURCES = ['agent', 'lease', 'lab', 'neighbour', 'arp', 'nd', 'seen'] as const;

export type Source = (typeof SOURCES)[number];

export interface FoundAddress {
  /** Without prefix, as the kernel prints it. */
  readonly address: string;
  readonly source: Source;
}

/** A NIC of a VM, and where it is. */
export interface Whereabouts {
  readonly vm: string;
  /** Index of the NIC in the VM, from 0. */
  readonly nic: number;
  readonly mac: string;
  /** Name of its tap or macvtap now. */
  readonly tap: string;
  /** Name of its bridge now; null for a macvtap. */
  readonly bridge: string | null;
  /** Global ones first, each once; of link-local IPv6 addresses, too. */
  readonly addresses: readonly FoundAddress[];
  /** What is known of one without any address, for people; null where there is one. */
  readonly note: string | null;
}
