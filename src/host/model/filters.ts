/** A rule of the host's own firewall, or a program on its way in or out, that has to do with an uplink. */
export interface FirewallRule {
  /** The interface that it names or is attached to. */
  readonly device: string;
  /** Table and chain, for people. */
  readonly where: string;
  readonly text: string;
  /**
   * When a bridge takes the uplink's place: what it let in stays out, what it kept out comes in, or something else ends.
   * `sees-guests`: it belongs to the port, and gets the guests' frames as well.
   */
  readonly effect: 'locks-out' | 'opens-up' | 'no-longer-applies' | 'sees-guests';
}

/** A table of nftables that vmnet made. */
export interface TableState {
  /** `inet`, `bridge`, … */
  readonly family: string;
  readonly name: string;
  /** Digest of what was loaded; null where it is not there any more. */
  readonly digest: string | null;
}

/** A chain on the way of what is forwarded. */
export interface ForwardDrop {
  readonly family: 'ip' | 'ip6' | 'inet';
  /** Table and chain, for people. */
  readonly where: string;
  /** `policy drop`, `handle 7 drops` */
  readonly drops: readonly string[];
}

/** A chain DOCKER-USER, which Docker makes and never fills. */
export interface DockerChain {
  /** Whose rules these are: those of the other kind are not seen by it. */
  readonly program: 'iptables-legacy' | 'iptables-nft' | 'ip6tables-legacy' | 'ip6tables-nft';
  readonly family: 4 | 6;
  /** Comments of our rules in it, `vmnet:LAB:BRIDGE`, with the chain that each leads to and the interface that this lets pass. */
  readonly rules: readonly DockerRule[];
}

export interface DockerRule {
  readonly comment: string;
  readonly chain: string;
  /** null where the chain is not as we made it. */
  readonly bridge: string | null;
}
