import type { Counts } from '../verify/counters.js';

/** A NIC that is followed, with what is known of it. */
export interface Guest {
  readonly mac: string;
  readonly tap: string;
  readonly bridge: string;
  readonly uplink: string | null;
  /** Addresses that it is known by; grows as it speaks. */
  readonly addresses: Set<string>;
  /** Addresses of the host itself. */
  readonly host: ReadonlySet<string>;
}

/** What a device is to the NIC. `ours`: the port that the questions come from. `other`: no port of the bridge. */
export type Role = 'tap' | 'bridge' | 'uplink' | 'port' | 'ours' | 'other';

/** `switched`: by the bridge, between two of its ports. `up` and `down`: between the bridge and the host itself. */
export type Motion = 'in' | 'switched' | 'out' | 'up' | 'down';

export interface Hop {
  readonly device: string;
  readonly role: Role;
  readonly motion: Motion;
  /** Microseconds since the first hop; null for `switched` and `up`, which bear no time of their own. */
  readonly afterUs: number | null;
  /** The source MAC where it is another than at the first hop: somebody has routed the frame; else null. */
  readonly changedMac: string | null;
}

/** One frame, followed from device to device. */
export interface Flow {
  /** Microseconds since 1970, at the first hop. */
  readonly atUs: number;
  readonly way: 'guest → LAN' | 'LAN → guest';
  readonly what: string;
  /** Broadcast and multicast reach the host too, as on any LAN. */
  readonly multicast: boolean;
  readonly hops: readonly Hop[];
  /**
   * `routed`: it left, but from another MAC: the host has sent it on itself; `host`: it was for the host; `taken`: it
   * went up to the host, and was not for it; `stopped`: it came in and was not seen to leave.
   */
  readonly end: 'passed' | 'routed' | 'host' | 'taken' | 'stopped';
}

/** The host's stack has had what was not for it. */
export const isDetour = ({ end }: Flow) => end === 'routed' || end === 'taken';

/** Unicast frames at the places where the host's IP stack could have got them; not those to the host itself. */
export interface StackCounts {
  /** Switched from port to port, past every filter of the hook: counted once for each port that it was sent out of. */
  readonly bridgeForward: number;
  readonly bridgeInput: number;
  readonly prerouting: number;
  readonly forward: number;
  readonly input: number;
  readonly arp: number;
  /** Of those to the guest. */
  readonly toGuest: { readonly prerouting: number; readonly forward: number };
}

export const stackCounts = (counts: Counts, mac: string): StackCounts => ({
  bridgeForward: counts.get('bridge_forward', mac),
  bridgeInput: counts.get('bridge_input', mac),
  prerouting: counts.get('inet_prerouting', mac),
  forward: counts.get('inet_forward', mac),
  input: counts.get('inet_input', mac),
  arp: counts.get('arp_input', mac),
  toGuest: {
    prerouting: counts.get('inet_to_guest', mac),
    forward: counts.get('inet_forward_to_guest', mac),
  },
});

/** How often the stack saw one. */
export const wentUp = ({ bridgeInput, prerouting, forward, input, arp, toGuest }: StackCounts) =>
  bridgeInput + prerouting + forward + input + arp + toGuest.prerouting + toGuest.forward;

export interface Traced {
  readonly flows: readonly Flow[];
  readonly stack: StackCounts;
  /** Switches of br_netfilter that are on and concern this bridge, as `NAME=1`, with the command that turns it off. */
  readonly switches: readonly { readonly name: string; readonly fix: string }[];
  /** What was asked of a quiet guest; empty where it spoke by itself. */
  readonly asked: readonly string[];
  /** Frames that were not kept for want of room. */
  readonly lost: number;
}
