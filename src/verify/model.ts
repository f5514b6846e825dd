import type { FirstFrame } from './first-frame.js';
import type { Intent } from './intent.js';
import type { MacvtapEvidence } from './macvtap/model.js';
import type { WayOut } from './way/model.js';

/** One measurement, with what it found. */
export interface Check {
  readonly name:
    | 'domain'
    | 'namespace'
    | 'link'
    | 'tap'
    | 'macvtap'
    | 'tun'
    | 'uplink'
    | 'fdb'
    | 'address'
    | 'isolation'
    | 'path'
    | 'dhcp'
    | 'dns'
    | 'rules'
    | 'anti-spoof';
  /** The VM or namespace; for `tun` the tun; empty for a check of a bridge; of a link its two ends, such as `a:eth1 - b:eth1`. */
  readonly vm: string;
  /** Name of the bridge that a check is about, where it is about one alone. */
  readonly bridge?: string;
  /** Index of the NIC in the VM; null for a check of the VM. */
  readonly nic: number | null;
  readonly verdict: Verdict;
  /** Why the verdict is not the intended one, as a word for programs; null where it is. */
  readonly reason: string | null;
  /** The same for people, with what to do; null where nothing is wrong. */
  readonly hint: string | null;
  readonly evidence: PathEvidence | MacvtapEvidence | Readonly<Record<string, unknown>>;
}

/**
 * `ok` and `failed` for plain checks. For the path: `direct`: guest unicast was switched by the bridge, left on
 * the uplink where there is one, and the host's IP stack saw none of it; `routed`, where the lab means that: it went
 * up the host's IP stack and out; `isolated`, where the lab means that: none of it gets out; `detour`: the host's IP
 * stack saw it, or sent it on otherwise than meant; `leak`: it gets out of what should be isolated;
 * `down`, where the lab means that: the guest's cable is pulled, so that there is no path;
 * `blocked`: it reached the bridge, or should have, and went no further; `unproven`: no frame was seen.
 */
export type Verdict =
  | 'ok'
  | 'failed'
  | 'direct'
  | 'routed'
  | 'isolated'
  | 'detour'
  | 'down'
  | 'leak'
  | 'blocked'
  | 'unproven';

const GOOD: readonly Verdict[] = ['ok', 'direct', 'routed', 'isolated', 'down'];

/** Verdicts that the user wants to see: `direct`, `routed`, `isolated` and `down` are given only where the lab means just that. */
export const isGood = ({ verdict }: Pick<Check, 'verdict'>) => GOOD.includes(verdict);

/** Frames of one NIC during the proof: unicast, sent by the guest's MAC, not addressed to the bridge itself. */
export interface PathEvidence {
  /** The verdict that the lab means the NIC to get. */
  readonly intent: Intent;
  /**
   * On a bridge of Open vSwitch, of which nftables sees nothing: frames captured at its ports. Else hooks of nftables' bridge
   * family, before every other chain: reached the bridge; was switched, counted once for
   * each port that it was sent out of; went up to the host.
   */
  readonly bridge: {
    readonly name: string;
    readonly prerouting: number;
    readonly forward: number;
    readonly input: number;
  };
  /** The same after every other chain of the hook; `toUplink`: handed to the uplink; `toTap`: anybody's unicast to the guest, handed to its tap. */
  readonly passed: {
    readonly prerouting: number;
    readonly forward: number;
    readonly toUplink: number;
    readonly toTap: number;
  };
  /**
   * The same by protocol: how many reached the bridge, and how many copies were switched past every chain; of the
   * unicast to the guest's MAC, likewise.
   */
  readonly families: Readonly<Record<Family, Crossing>>;
  readonly toGuest: Readonly<Record<Family, Crossing>>;
  /** Broadcast and multicast from the guest: shows that it lives, but proves no path. */
  readonly multicast: number;
  /** Hooks of the inet and arp families: the host's IP stack saw it. */
  readonly hostStack: HostStack;
  /**
   * Left on the uplink: passed its netdev egress hook; `captured`: was seen behind all filters, tc's among them, null
   * where nothing could be captured. null for a bridge without uplink.
   */
  readonly uplink: {
    readonly name: string;
    readonly egress: number;
    readonly captured: number | null;
  } | null;
  /**
   * The tag that the guest's frames should bear on the uplink, null for none; those that its trunk may bear besides; and how
   * many of those at its egress hook bore one of them. Missing where the bridge tells no VLANs apart.
   */
  readonly tag?: {
    readonly vid: number | null;
    readonly others: readonly (number | null)[];
    readonly frames: number;
  };
  /** LAN → guest; null where nothing could be sent in at the uplink. */
  readonly inbound: Inbound | null;
  /** Frames of the guest's MTU with "don't fragment": asked with one, and answers seen on the uplink; null where not asked. */
  readonly fullSize: { readonly bytes: number; readonly left: number } | null;
  /** Frames that came in from the guest through its tap, of any kind. */
  readonly tap: { readonly name: string; readonly received: number };
  /** Was a frame of ours seen to leave on the tap, behind all its filters? null where nothing was sent, or could be captured. */
  readonly heard: boolean | null;
  /** Port on which the bridge has learned the guest's MAC; null where it has not. */
  readonly fdb: { readonly mac: string; readonly port: string } | null;
  /** Frames that came in with another MAC than the tap's own, or with the guest's MAC at another port. */
  readonly strangers: readonly { readonly port: string; readonly mac: string; readonly frames: number }[];
  /** The first frame seen at the tap, and the same one leaving; null where nothing was captured. */
  readonly first: FirstFrame | null;
  /** A frame of the guest's that left with the host's own MAC; `translated`: from another IP address. */
  readonly rerouted: { readonly mac: string; readonly translated: boolean } | null;
  /** Up the host's IP stack and out; null for a bridge that is meant to be a plain switch. */
  readonly way: WayOut | null;
  /** It spoke as the proof was about to end: too late to be asked for its way in. */
  readonly late: boolean;
  /** Addresses that the guest was seen to use, with what told. */
  readonly addresses: readonly string[];
  /** Those that it told itself, by ARP, neighbour discovery or DHCP. */
  readonly heardAddresses?: readonly string[];
  /** What was done to make the guest speak. */
  readonly tried: readonly string[];
  /** The last lines of a silent guest's serial console; empty for one that spoke. */
  readonly console: string;
}

export interface Crossing {
  readonly entered: number;
  readonly switched: number;
}

export const FAMILIES = ['ip', 'ip6', 'arp'] as const;
export type Family = (typeof FAMILIES)[number];

export interface HostStack {
  readonly prerouting: number;
  readonly forward: number;
  readonly input: number;
  readonly arp: number;
  /** Entries of the host's neighbour table for the guest's addresses; the host may have talked to it itself. */
  readonly neighbours: readonly string[];
  /** Connections with the guest's addresses that the host tracks; null where it tracks none at all. */
  readonly conntrack: number | null;
  /** Packets that the whole host forwarded meanwhile (IpForwDatagrams, Ip6OutForwDatagrams); bridged ones never count there. */
  readonly forwarded: number;
}

/** Unicast frames to the guest's MAC that came in at the uplink. */
export interface Inbound {
  /** Passed the uplink's netdev ingress hook. */
  readonly ingress: number;
  /** Reached the bridge through the uplink. */
  readonly prerouting: number;
  /** By protocol: how many reached the bridge through the uplink, and how many were switched past every chain. */
  readonly families: Readonly<Record<Family, Crossing>>;
  /** Those that we sent in, handed to the guest's tap after every chain of the bridge. */
  readonly toTap: number;
  /** Echo requests seen behind all filters of the tap; null where nothing could be captured. */
  readonly captured: number | null;
  /** The host's IP stack saw it. */
  readonly hostStack: { readonly prerouting: number; readonly forward: number };
}
