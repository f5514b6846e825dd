import { bare } from '../lab/cidr.js';
import { type Drop, dropsOf, linkLocal } from '../lab/drops.js';
import type { Nic } from '../lab/model.js';
import {
  arpReply,
  arpRequest,
  echoRequest,
  ethernet,
  ip4,
  ip6,
  solicitation,
  sumIcmp6,
  udp,
} from './frames.js';
import { type Host, ICMPV6, ipBytes, macBytes, UDP } from './octets.js';

/** A frame as a guest would send it, and the rule that has to drop it; null for an honest one. */
export interface Trial {
  readonly kind: Drop | null;
  readonly frame: Uint8Array;
}

/** Documentation ranges (RFC 5737, RFC 3849): nobody's, so a frame that slips through misleads nobody. */
const FOREIGN = { ip: '192.0.2.254', ip6: '2001:db8::fe' };

/**
 * One frame for each rule of a NIC, and honest ones, all to MACs that nobody has: bridges would flood them to every
 * port.
 * @param to of the forged frames, and of the honest ones
 * @param tag ends each forged frame, so that a capture can tell it
 */
export function trialsOf(nic: Nic, to: { forged: string; honest: string }, tag: Uint8Array): Trial[] {
  const self: Host = { mac: nic.mac, ip: linkLocal(nic.mac) };
  const claimed = dropsOf(nic).flatMap(kind =>
    kind === 'rate' ? [] : { kind, frame: FORGED[kind](nic, self, to.forged) },
  );
  const own = nic.addresses.map(bare).find(ip => !ip.includes(':'));
  const honest = [
    solicitation(self, FOREIGN.ip6, to.honest),
    ...(own === undefined ? [] : [arpRequest({ mac: nic.mac, ip: own }, FOREIGN.ip, to.honest)]),
  ];
  return [
    ...claimed.map(({ kind, frame }) => ({ kind, frame: Buffer.concat([frame, tag]) })),
    ...honest.map(frame => ({ kind: null, frame })),
  ];
}

/** With another last byte. */
const foreignMac = (mac: string) => `${mac.slice(0, -2)}${mac.endsWith('00') ? 'ff' : '00'}`;

const TAG_OF_VLAN_1 = [0x81, 0, 0, 1];

const FORGED: Readonly<Record<Exclude<Drop, 'rate'>, (nic: Nic, self: Host, to: string) => Uint8Array>> = {
  hidden(nic, self, to) {
    const frame = solicitation({ ...self, mac: nic.mac }, FOREIGN.ip6, to);
    return Buffer.concat([frame.subarray(0, 12), Buffer.from(TAG_OF_VLAN_1), frame.subarray(12)]);
  },
  mac: ({ mac }, self, to) => solicitation({ ...self, mac: foreignMac(mac) }, FOREIGN.ip6, to),
  arp(nic, _, to) {
    // Where any address is allowed, the MAC inside is what is wrong.
    const frame = Buffer.from(arpReply({ mac: nic.mac, ip: FOREIGN.ip }, { mac: to, ip: FOREIGN.ip }));
    if (nic.antiSpoof === 'mac') frame.set(macBytes(foreignMac(nic.mac)), 22);
    return frame;
  },
  nd(nic, self, to) {
    const mac = nic.antiSpoof === 'mac' ? foreignMac(nic.mac) : nic.mac;
    const target = { mac: to, ip: FOREIGN.ip6 };
    const message = [136, 0, 0, 0, 0x60, 0, 0, 0, ...ipBytes(FOREIGN.ip6), 2, 1, ...macBytes(mac)];
    return ip6(self, target, ICMPV6, sumIcmp6(self, target, Buffer.from(message)));
  },
  ip: ({ mac }, _, to) =>
    echoRequest({ mac, ip: FOREIGN.ip }, { mac: to, ip: FOREIGN.ip }, { id: 1, sequence: 1 }),
  protocol: ({ mac }, _, to) => ethernet(to, mac, EXPERIMENT, Buffer.alloc(46)),
  dhcp(nic, _, to) {
    const own = nic.addresses.map(bare).find(ip => !ip.includes(':'));
    const offer = udp(67, 68, Buffer.alloc(240).fill(2, 0, 1));
    // From what it may use, so that no other rule takes it.
    return own === undefined
      ? ip6(
          { mac: nic.mac, ip: linkLocal(nic.mac) },
          { mac: to, ip: FOREIGN.ip6 },
          UDP,
          udp(547, 546, Buffer.alloc(8)),
        )
      : ip4({ mac: nic.mac, ip: own }, { mac: to, ip: FOREIGN.ip }, UDP, offer);
  },
  ra(_, self, to) {
    const target = { mac: to, ip: 'ff02::1' };
    // A lifetime of 0: nobody would take it for a router.
    const message = [134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    return ip6(self, target, ICMPV6, sumIcmp6(self, target, Buffer.from(message)));
  },
  bpdu: ({ mac }, _, to) => ethernet(to, mac, LLC.length, Buffer.from(LLC)),
};

/** Local experimental EtherType (IEEE 802). */
const EXPERIMENT = 0x88b5;
/** A configuration BPDU of zeros. */
const LLC = [0x42, 0x42, 0x03, ...new Array<number>(35).fill(0)];
