import type { Ready } from '../../lab/model.js';

/** A NIC of a domain. */
export interface NicChange {
  /** The domain's. */
  readonly name: string;
  readonly uuid: string;
  /** By which it is found: six lower-case hex bytes with colons. */
  readonly mac: string;
  /** The `<interface>` element. */
  readonly xml: string;
  /** In the running guest. */
  readonly live: boolean;
  /** In the definition that the next start takes. */
  readonly config: boolean;
}

/** A definition that a lab's record has: it may hold passwords, so no plan shows it. */
export interface DomainBefore {
  readonly name: string;
  readonly uuid: string;
  readonly lab: string;
  /** Before the lab had any NIC in it, or before the latest run. */
  readonly to: 'first' | 'last';
}

/** A started guest. */
export interface GuestRef {
  readonly name: string;
  readonly uuid: string;
  /** File that the serial console is logged to. */
  readonly console: string;
  /** User whose QEMU writes to it, by number; missing where libvirt sees to that. */
  readonly owner?: number;
}

/** What is waited for of a started guest, and for how long. */
export interface Awaited {
  readonly ready: Ready;
  /** What its console says when it is up; null where that is not what is waited for. */
  readonly upMarker: string | null;
  readonly seconds: number;
  readonly nics: readonly {
    readonly tap: string;
    readonly mac: string;
    /** CIDRs that the lab says it has. */
    readonly addresses: readonly string[];
    /** Frames can be handed to the guest at its tap. */
    readonly asked: boolean;
  }[];
}
