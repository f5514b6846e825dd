/** What leads from a bridge into the host's IP stack and on, or out by a port that is none of the lab's. */
export interface WayOut {
  /** Unicast of the guest's own to the host: reached the bridge, went up past every chain, was IP that the stack saw. */
  readonly toHost: { readonly entered: number; readonly input: number; readonly stack: number };
  /** IP of the guest's own, in the host's stack, for the outside address that it was asked from. */
  readonly outward: number;
  /** Frames of the guest's own that the host forwarded past every chain, by the device that they were to leave by. */
  readonly forwarded: readonly Departure[];
  /** What we sent to the host in a guest's stead, for addresses outside. */
  readonly errands: readonly Errand[];
  /** Ports of the bridge that are none of the lab's, with the guest's frames of any kind that left there. */
  readonly foreignPorts: readonly Departure[];
  /** Microseconds from our port, up the stack, to the device outside, and from our port straight to the guest's tap. */
  readonly cost: { readonly routedUs: number | null; readonly switchedUs: number | null };
}

export interface Departure {
  readonly port: string;
  readonly frames: number;
}

/** Echo requests of one family, sent as a guest of the bridge would send them. */
export interface Errand {
  readonly family: 'ip' | 'ip6';
  /** The verdict rests on it: IPv6 counts beside IPv4 only where a leak is looked for, or the host has a default route. */
  readonly decides: boolean;
  readonly from: string;
  readonly to: readonly string[];
  /** Reached the bridge; the IP stack saw it; it was to be forwarded, before every chain. */
  readonly entered: number;
  readonly stack: number;
  readonly forward: number;
  /** Forwarded past every chain, by device. */
  readonly passed: readonly Departure[];
  /** Past every chain of the way out as well, with the source address that it bears there. */
  readonly left: readonly (Departure & { readonly source: string })[];
  /** Seen leaving behind all filters; null where nothing was captured, or where nobody may have that address. */
  readonly captured: number | null;
  /** Who answered it out there. */
  readonly answers: readonly string[];
}
