import type { Cidr } from '../../lab/cidr.js';
import type { BridgeMode } from '../../lab/model.js';

// A lab as a network on paper: who has which address on which wire, and who passes on what. What a rehearsal then
// measures is compared with what this says, so it knows nothing of plans, rules or links.

/** An interface that has an address. */
export interface Port {
  /** Name of the wire that it hangs on: all ports of one wire hear each other. */
  readonly segment: string;
  readonly addresses: readonly Cidr[];
  /** Cannot reach the other isolated ports of its wire. */
  readonly isolated: boolean;
}

export interface Route {
  /** The subnet that it leads to. */
  readonly to: Cidr;
  /** A gateway, without prefix. */
  readonly via: string;
}

export interface Node {
  /** For people: `web`, `the host`, `the LAN`. */
  readonly who: string;
  readonly kind: 'host' | 'lan' | 'vm' | 'namespace';
  /** Of a namespace its name below /run/netns; else null. */
  readonly netns: string | null;
  readonly ports: readonly Port[];
  readonly routes: readonly Route[];
  /** By family: passes on what is not its own. Of the host the modes of bridges tell. */
  readonly forwards: Readonly<Record<4 | 6, boolean>>;
}

export interface Topology {
  readonly nodes: readonly Node[];
  /** Of a wire that is a bridge without uplink: what it is for. */
  readonly modes: ReadonlyMap<string, BridgeMode>;
  /** Wires with the LAN at their other end. */
  readonly outside: ReadonlySet<string>;
}

/** `answers`; `silent`: the lab means that nothing gets there; null: this model cannot say. */
export type Expected = 'answers' | 'silent' | null;
