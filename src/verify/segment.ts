import type { Bridge, Lab, Nic } from '../lab/model.js';
import { knowsVlans, ovsVlan, portVlan, untaggedOf, uplinkVlanOf, usesVlans, vidsOf } from '../lab/vlans.js';

/** The VLAN that a NIC's frames without a tag are in, and how the uplink carries it. */
export interface Segment {
  /** null: the NIC has none of its own, and frames without a tag are dropped. */
  readonly vid: number | null;
  /** Tag of these frames on the uplink; null: without one. */
  readonly tag: number | null;
  /** Does the uplink carry it at all? */
  readonly carried: boolean;
}

/** null where the bridge tells no VLANs apart. */
export function segmentOf(nic: Nic, bridge: Bridge | undefined, lab: Lab): Segment | null {
  if (bridge === undefined || !knowsVlans(bridge) || (bridge.type === 'ovs' && !usesVlans(bridge, lab)))
    return null;
  const vlan = bridge.type === 'ovs' ? ovsVlan(nic, bridge, lab) : portVlan(nic);
  const vid = vlan === null ? null : untaggedOf(vlan);
  const uplink = uplinkVlanOf(bridge, lab);
  return {
    vid,
    tag: vid === untaggedOf(uplink) ? null : vid,
    carried: vid !== null && vidsOf(uplink).includes(vid),
  };
}

/** Whoever shares this hears each other's broadcasts. */
export const domainOf = ({ bridge, segment }: { bridge: string; segment?: Segment | null }) =>
  segment ? `${bridge} ${segment.vid ?? 'none'}` : bridge;
