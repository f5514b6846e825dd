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
  /** Tags of what else the guest may send by its trunk, as they are on the uplink; null: without one. */
  readonly others: readonly (number | null)[];
}

/** null where the bridge tells no VLANs apart. */
export function segmentOf(nic: Nic, bridge: Bridge | undefined, lab: Lab): Segment | null {
  if (bridge === undefined || !knowsVlans(bridge) || (bridge.type === 'ovs' && !usesVlans(bridge, lab)))
    return null;
  const vlan = bridge.type === 'ovs' ? ovsVlan(nic, bridge, lab) : portVlan(nic);
  const vid = vlan === null ? null : untaggedOf(vlan);
  const uplink = uplinkVlanOf(bridge, lab);
  const carried = vidsOf(uplink);
  const tagOf = (of: number | null) => (of === untaggedOf(uplink) ? null : of);
  return {
    vid,
    tag: tagOf(vid),
    carried: vid !== null && carried.includes(vid),
    others: (vlan === null ? [] : vidsOf(vlan)).filter(of => of !== vid && carried.includes(of)).map(tagOf),
  };
}

/** Tags that frames should bear, for people. */
export const tagText = ({
  vid,
  others,
}: {
  vid: number | null;
  others: readonly (number | null)[];
}): string => [vid, ...others].map(tag => (tag === null ? 'without a tag' : `in VLAN ${tag}`)).join(' or ');

/** Whoever shares this hears each other's broadcasts. */
export const domainOf = ({ bridge, segment }: { bridge: string; segment?: Segment | null }) =>
  segment ? `${bridge} ${segment.vid ?? 'none'}` : bridge;
