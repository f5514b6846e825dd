import type { NicMark } from '../../lab/nic-marks.js';

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

export interface DomainMark {
  readonly lab: string;
  readonly vm: string;
  /** Digest of what was rendered. */
  readonly digest: string;
  /** Of the same without NICs; missing, like them, in marks of older versions. */
  readonly rest?: string;
  readonly nics?: readonly NicMark[];
}
