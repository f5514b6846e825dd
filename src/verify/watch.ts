import type { CaptureOptions } from '../drivers/capture.js';
import type { CapturedFrame } from '../drivers/pcap.js';
import type { HostState } from '../host/model.js';
import { parsePacket } from './packets.js';
import { isAsked } from './sightings.js';
import { untagged } from './tags.js';
import type { Target } from './targets.js';

/**
 * Questions, which are all that is looked for of what goes out to guests (RFC 826, RFC 792, RFC 4443, RFC 4861). Of those
 * for a MAC our own, by the first byte of the MAC that asks: guests look for us as well, and that is flooded to every tap.
 */
const QUESTIONS =
  '(arp and arp[7] = 1 and arp[8] = 2) or (icmp and icmp[0] = 8) or (ip6 and (ip6[40] = 128 or (ip6[40] = 135 and ip6[66] = 2)))';

/** Frames that bear a tag: what they say is behind it, where a filter does not look. */
const TAGGED = 'ether proto 0x8100';

/** Who speaks besides the guests. */
export interface Speakers {
  /** MACs of the bridges. */
  readonly own: readonly string[];
  /** Source of the frames that are sent in at uplinks. */
  readonly lanMac: string;
  /** MACs of our ports, known once they are there. */
  readonly ours: ReadonlySet<string>;
  /** Addresses outside to which errands go; empty where there are none. */
  readonly aims?: ReadonlySet<string>;
}

/**
 * Of all frames on all devices those that show a path. A guest's answer is flooded to every tap: without this, their
 * number would grow with the square of the number of NICs. So would that of the LAN's questions: on each tap only those that
 * its own NIC is asked count.
 * Of our own questions, one a tap shows that it lets frames out.
 */
export function captureOf(
  targets: readonly Target[],
  host: HostState,
  { own, lanMac, ours, aims = new Set() }: Speakers,
): CaptureOptions {
  const indexes = new Map(host.links.map(link => [link.name, link.index]));
  const indexesOf = (names: readonly (string | null)[]) =>
    new Set(names.flatMap(name => indexes.get(name ?? '') ?? []));
  const uplinks = indexesOf(targets.map(({ uplink }) => uplink));
  const bridges = indexesOf(targets.map(({ bridge }) => bridge));
  const taps = indexesOf(targets.map(({ tap }) => tap));
  const macOf = new Map(targets.map(({ tap, nic }) => [indexes.get(tap), nic.mac]));
  const entrances = new Set(targets.map(({ tap, nic }) => `${indexes.get(tap)} ${nic.mac}`));
  const macs = new Set([...targets.map(({ nic }) => nic.mac), ...own, lanMac]);
  const heardOn = new Map<number, number>();
  const alone = new Set(targets.flatMap(({ ovs, uplink, nic }) => (ovs && uplink === null ? [nic.mac] : [])));
  // Where times are compared, the quickest of several counts.
  const enough = aims.size > 0 ? 16 : 1;
  let asked = 0;
  const places = [...uplinks].map(index => ` or ifindex ${index}`).join('');
  const tags = targets.some(({ segment }) => segment);
  return {
    ...(tags ? { also: TAGGED } : {}),
    // Open vSwitch tells no more of a bridge without an uplink than what leaves by its ports.
    ...(alone.size > 0 ? {} : { only: `inbound${places} or ${QUESTIONS}` }),
    keep(frame) {
      const { ifindex, direction, mac } = frame;
      if (aims.size > 0 && isErrand(frame, aims)) return true;
      if (mac !== null && ours.has(mac)) {
        if (direction === 'in' && aims.size > 0 && asked < enough * taps.size) {
          asked++;
          return true;
        }
        const heard = heardOn.get(ifindex) ?? 0;
        if (direction === 'out' && taps.has(ifindex) && heard < enough) {
          heardOn.set(ifindex, heard + 1);
          return true;
        }
      }
      if (mac === null || !macs.has(mac)) return false;
      if (direction === 'out' && alone.has(mac)) return true;
      if (uplinks.has(ifindex) || bridges.has(ifindex)) return true;
      if (direction === 'in') return entrances.has(`${ifindex} ${mac}`);
      return mac === lanMac && isAsked(macOf.get(ifindex) ?? '', untagged(frame));
    },
  };
}

function isErrand({ protocol, data }: CapturedFrame, aims: ReadonlySet<string>): boolean {
  const packet = parsePacket(protocol, data);
  return packet.kind === 'echo' && !packet.reply && aims.has(packet.destination);
}
