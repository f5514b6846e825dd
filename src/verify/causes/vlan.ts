import { tagText } from '../segment.js';
import { blocked, type Cause } from './cause.js';

/** On the uplink a guest's frames have to bear the tag of its VLAN, or of one that its trunk carries, and no other. */
export const wrongTag: Cause = ({ evidence, target }) => {
  const { segment, uplink } = target;
  const { tag } = evidence;
  if (!segment || !tag || uplink === null) return null;
  if (!segment.carried)
    return blocked(
      'vlan-not-carried',
      `${uplink} does not carry VLAN ${segment.vid ?? 'none'}, which the NIC is in: name it in "uplinkVlan" of ${target.bridge}`,
    );
  const egress = evidence.uplink?.egress ?? 0;
  if (egress <= tag.frames) return null;
  return blocked(
    'wrong-vlan-tag',
    `of ${egress} frames of the guest that left ${uplink}, ${egress - tag.frames} were not ${tagText(tag)}: run vmnet provision again`,
  );
};
