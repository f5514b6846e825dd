import type { Nic } from './nic.js';

/** A network namespace as an endpoint. */
export interface Namespace {
  /** The key in the lab file. */
  readonly name: string;
  /** Its name below /run/netns: `LAB-NAME`. */
  readonly netns: string;
  readonly nics: readonly NamespaceNic[];
  readonly routes: readonly NamespaceRoute[];
  /** Values by path below /proc/sys, such as `net/ipv4/ip_forward`. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Ownership mark, on its loopback interface: `vmnet.LAB.NAME`. */
  readonly altname: string;
  /** Ownership mark for people: `vmnet:LAB:NAME`. */
  readonly alias: string;
}

/**
 * A NIC whose guest is a namespace: `vm` is the namespace, `tap` the end of its veth on the host, and its addresses are
 * given to it. Both ends bear the mark, each in its own namespace.
 */
export interface NamespaceNic extends Nic {
  readonly bridge: string;
  /** Name of the interface inside. */
  readonly name: string;
}

export interface NamespaceRoute {
  /** A subnet; that of everything is `0.0.0.0/0` or `::/0`. */
  readonly to: string;
  /** Address of the gateway. */
  readonly via: string;
}

/** A veth pair without a bridge. */
export interface VethLink {
  readonly ends: readonly [LinkEnd, LinkEnd];
  /** Bytes. */
  readonly mtu: number;
}

export interface LinkEnd {
  /** Name of a namespace of the lab; null for the host itself. */
  readonly namespace: string | null;
  /** Interface name there. */
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  /** Ownership mark: `vmnet.LAB.NAMESPACE.NAME`, with `host` for the host. */
  readonly altname: string;
  readonly alias: string;
}

/** A persistent layer-3 device that a program of the host opens. */
export interface Tun {
  /** Interface name, at most 15 bytes. */
  readonly name: string;
  /** Name or number of the user who may open it, in digits; null: any member of the group. */
  readonly owner: string | null;
  /** The same of a group; with both, it takes both. */
  readonly group: string | null;
  /** CIDRs, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  /** Address of the other end, without prefix. */
  readonly peer: string | null;
  /** Bytes. */
  readonly mtu: number;
  readonly multiQueue: boolean;
  /** Ownership mark: `vmnet.LAB.TUN`; bridges and tuns share one set of names. */
  readonly altname: string;
  /** Ownership mark for people: `vmnet:LAB:TUN`. */
  readonly alias: string;
}
