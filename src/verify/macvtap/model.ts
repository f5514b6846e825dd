import type { FirstFrame } from '../first-frame.js';

/** Frames of one macvtap during the proof: unicast, sent by the guest's MAC. */
export interface MacvtapEvidence {
  readonly macvtap: {
    readonly name: string;
    /** Frames that the guest sent through it, of any kind. */
    readonly sent: number;
    /** Unicast, and broadcast or multicast, of the guest's captured there; null where nothing could be captured. */
    readonly captured: { readonly unicast: number; readonly multicast: number } | null;
  };
  /** Left on the uplink: passed its netdev egress hook; `captured`: was seen behind all filters, null where nothing could be captured. */
  readonly uplink: { readonly name: string; readonly egress: number; readonly captured: number | null };
  /** LAN → guest; null where nothing could be sent in at the uplink. */
  readonly inbound: {
    /** Passed the uplink's netdev ingress hook. */
    readonly ingress: number;
    /** Echo requests of ours at the guest's device; null where nothing could be captured. */
    readonly captured: number | null;
  } | null;
  /** Hooks of the inet and arp families: the host's IP stack saw frames of the guest, or for it. */
  readonly hostStack: {
    readonly prerouting: number;
    readonly forward: number;
    readonly input: number;
    readonly arp: number;
    readonly toGuest: number;
  };
  /** Frames of the guest's MTU with "don't fragment": asked with one, and answers seen on the uplink; null where not asked. */
  readonly fullSize: { readonly bytes: number; readonly left: number } | null;
  /** Frames that the guest sent with another MAC than its own. */
  readonly strangers: readonly { readonly mac: string; readonly frames: number }[];
  /** The first frame seen at the guest's device, and the same one leaving; null where nothing was captured. */
  readonly first: FirstFrame | null;
  readonly addresses: readonly string[];
  readonly tried: readonly string[];
  /** The last lines of a silent guest's serial console; empty for one that spoke. */
  readonly console: string;
}

export const stackOf = ({ hostStack }: MacvtapEvidence): number =>
  Object.values(hostStack).reduce((sum, count) => sum + count, 0);
