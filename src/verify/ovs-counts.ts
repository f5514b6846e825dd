import type { CapturedFrame } from '../drivers/pcap.js';
import { type Counts, entryKey, type Hook, uplinkKey } from './counters.js';
import type { Family } from './model.js';
import { IPV4 } from './octets.js';
import { isAsked, isUnicast } from './sightings.js';
import type { Target } from './targets.js';

// nftables' bridge family sees nothing of a bridge of Open vSwitch: what came in at its ports and went out of them is
// counted out of the capture, under the names of the hooks of a Linux bridge. The hooks of the host's IP stack and of
// the uplink itself are nftables' own as ever.

const ARP = 0x0806;

const familyOf = ({ protocol }: CapturedFrame): Family =>
  protocol === ARP ? 'arp' : protocol === IPV4 ? 'ip' : 'ip6';

/** @param lanMac source of the frames that were sent in at uplinks */
export function withOvsCounts(
  counts: Counts,
  targets: readonly Target[],
  frames: readonly CapturedFrame[],
  indexes: ReadonlyMap<string, number>,
  lanMac: string,
): Counts {
  const ours = targets.filter(({ ovs }) => ovs);
  if (ours.length === 0) return counts;
  const counted = new Map<string, number>();
  const count = (hook: Hook, key: string) =>
    void counted.set(`${hook} ${key}`, (counted.get(`${hook} ${key}`) ?? 0) + 1);
  const taps = new Map(ours.map(target => [`${indexes.get(target.tap)}`, target]));
  const byMac = new Map(ours.map(target => [target.nic.mac, target]));
  for (const frame of frames) {
    const at = taps.get(`${frame.ifindex}`);
    const from = byMac.get(frame.mac ?? '');
    if (at && frame.direction === 'in' && at === from) cameIn(at, frame, count);
    if (at && frame.direction === 'out') wentToGuest(at, frame, lanMac, count);
    if (from && frame.direction === 'out' && frame.ifindex !== indexes.get(from.tap) && isUnicast(frame))
      wentOn(from, frame, indexes, count);
  }
  for (const target of ours) {
    const sentIn = counts.get('netdev_ingress', target.nic.mac);
    if (target.uplink !== null) counted.set(`bridge_from_uplink ${uplinkKey(target)}`, sentIn);
  }
  return {
    get: (hook, key) => counted.get(`${hook} ${key}`) ?? counts.get(hook, key),
    keys: hook => counts.keys(hook),
  };
}

type Count = (hook: Hook, key: string) => void;

function cameIn(target: Target, frame: CapturedFrame, count: Count): void {
  const key = entryKey(target);
  if (!isUnicast(frame)) {
    count('bridge_multicast', key);
    return;
  }
  count('bridge_prerouting', key);
  count('passed_prerouting', key);
  count(`bridge_${familyOf(frame)}`, key);
}

function wentOn(target: Target, frame: CapturedFrame, indexes: ReadonlyMap<string, number>, count: Count) {
  count('bridge_forward', target.nic.mac);
  count('passed_forward', target.nic.mac);
  count(`passed_${familyOf(frame)}`, target.nic.mac);
  if (frame.ifindex === indexes.get(target.uplink ?? '')) count('passed_to_uplink', uplinkKey(target));
}

function wentToGuest(target: Target, frame: CapturedFrame, lanMac: string, count: Count): void {
  count('reached_tap', entryKey(target));
  if (frame.mac === lanMac && isAsked(target.nic.mac, frame)) count('passed_to_tap', entryKey(target));
}
