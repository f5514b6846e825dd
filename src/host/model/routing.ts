/** A unicast route of a namespace's main table. */
export interface InnerRoute {
  readonly family: 4 | 6;
  /** A CIDR. */
  readonly dst: string;
  readonly gateway: string | null;
  readonly dev: string | null;
  readonly protocol: string;
  readonly metric: number | null;
}

export interface Route {
  readonly family: 4 | 6;
  readonly type: string;
  /** `default` or a CIDR. */
  readonly dst: string;
  readonly table: string;
  readonly gateway: string | null;
  /** A gateway of the other family (`via inet6 …`). */
  readonly via: { readonly family: string; readonly host: string } | null;
  readonly dev: string | null;
  readonly protocol: string | null;
  readonly scope: string | null;
  readonly prefsrc: string | null;
  readonly src: string | null;
  readonly metric: number | null;
  readonly onlink: boolean;
  /** `mtu`, `advmss`, … in the order of the dump, with their values in ip's words. */
  readonly metrics: readonly (readonly [string, number | string])[];
  /** Multipath: one entry a hop. */
  readonly nexthops: readonly {
    readonly gateway: string | null;
    readonly dev: string;
    readonly weight: number;
    readonly onlink: boolean;
  }[];
  /** IPv6 router preference. */
  readonly pref: string | null;
  /** The nexthop object that it uses; its gateway and device are then the object's. */
  readonly nhid?: number;
  /** Seconds. */
  readonly expires?: number;
  /** `tos 0x10`, `realms 1/2`: words that the same command takes. */
  readonly options?: readonly string[];
  /** What it has that vmnet cannot add again (`encap`). */
  readonly odd?: readonly string[];
}

/** A nexthop object: one hop, or a group of such. */
export interface Nexthop {
  readonly id: number;
  /** Of a group: 6 where a member is of IPv6. */
  readonly family: 4 | 6;
  readonly gateway: string | null;
  /** null for groups and blackholes. */
  readonly dev: string | null;
  readonly onlink: boolean;
  readonly protocol: string | null;
  readonly group: readonly { readonly id: number; readonly weight: number }[];
  /** `type resilient buckets 32 …` */
  readonly options: readonly string[];
  /** What it has that vmnet cannot add again (`encap`). */
  readonly odd?: readonly string[];
}

export interface Rule {
  readonly family: 4 | 6;
  readonly priority: number;
  /** What follows `ip rule add`, interface names apart, in a form that the same command takes. */
  readonly selectors: readonly string[];
  readonly iif: string | null;
  readonly oif: string | null;
  readonly action: readonly string[];
  /** What it has that vmnet cannot add again (`masquerade`). */
  readonly odd?: readonly string[];
}

export interface Neighbour {
  readonly dst: string;
  readonly dev: string;
  readonly mac: string;
}
