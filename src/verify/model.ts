/** One measurement, with what it found. */
export interface Check {
  readonly name: 'domain' | 'tap' | 'fdb' | 'path';
  readonly vm: string;
  /** Index of the NIC in the VM; null for a check of the VM. */
  readonly nic: number | null;
  readonly verdict: Verdict;
  /** Why the verdict is not the intended one, as a word for programs; null where it is. */
  readonly reason: string | null;
  /** The same for people, with what to do; null where nothing is wrong. */
  readonly hint: string | null;
  readonly evidence: PathEvidence | Readonly<Record<string, unknown>>;
}

/**
 * `ok` and `failed` for plain checks. For the path: `direct`: guest unicast was switched by the bridge, left on
 * the uplink where there is one, and the host's IP stack saw none of it; `detour`: the host's IP stack saw it;
 * `blocked`: it reached the bridge, or should have, and went no further; `unproven`: no frame was seen.
 */
export type Verdict = 'ok' | 'failed' | 'direct' | 'detour' | 'blocked' | 'unproven';

/** Verdicts that the user wants to see. */
export const isGood = (check: Check) => check.verdict === 'ok' || check.verdict === 'direct';

/** Frames of one NIC during the proof: unicast, sent by the guest's MAC, not addressed to the bridge itself. */
export interface PathEvidence {
  /**
   * Hooks of nftables' bridge family: reached the bridge; was switched, counted once for each port that it was
   * sent out of; went up to the host.
   */
  readonly bridge: { readonly prerouting: number; readonly forward: number; readonly input: number };
  /** Of those that reached the bridge: how many were IPv4, and IPv6. */
  readonly families: { readonly ip: number; readonly ip6: number };
  /** Hooks of the inet and arp families: the host's IP stack saw it. */
  readonly hostStack: {
    readonly prerouting: number;
    readonly forward: number;
    readonly input: number;
    readonly arp: number;
  };
  /** Left on the uplink (netdev egress hook); null for a bridge without uplink. */
  readonly uplink: { readonly name: string; readonly egress: number } | null;
  /** Frames that came in from the guest through its tap, of any kind. */
  readonly tap: { readonly name: string; readonly received: number };
  /** Port on which the bridge has learned the guest's MAC; null where it has not. */
  readonly fdb: { readonly mac: string; readonly port: string } | null;
  /** What was done to make the guest speak. */
  readonly tried: readonly string[];
  /** The last lines of a silent guest's serial console; empty for one that spoke. */
  readonly console: string;
}
