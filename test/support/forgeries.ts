import {
  advertisement,
  arpProbe,
  arpReply,
  arpRequest,
  BROADCAST,
  echoRequest,
  ethernet,
  ip4,
  ip6,
  solicitation,
  sumIcmp6,
  udp,
} from '../../src/verify/frames.js';
import { type Host, ICMPV6, ipBytes, macBytes, UDP } from '../../src/verify/octets.js';

// What a hostile guest may try, and what an honest one sends. Each frame ends with a mark by which it is found.

export interface Sent {
  readonly what: string;
  readonly frame: Uint8Array;
}

export interface Forgery extends Sent {
  /** The counter that has to tell of it. */
  readonly kind: string;
}

const ALL_NODES: Host = { mac: '33:33:00:00:00:01', ip: 'ff02::1' };
const ALL: Host = { mac: BROADCAST, ip: '255.255.255.255' };
const TAGGED = 0x8100;
const FRAGMENT = 44;
const HOP_BY_HOP = 0;

let serial = 0;
/** Nothing else on the wire ends so. */
const marked = (frame: Uint8Array) =>
  Buffer.concat([frame, Buffer.from(`mark-${String(++serial).padStart(4, '0')}`)]);
export const markOf = (frame: Uint8Array) => frame.subarray(-9);

const icmp6 = (from: Host, to: Host, message: readonly number[]) =>
  ip6(from, to, ICMPV6, sumIcmp6(from, to, Buffer.from(message)));

const option = (type: number, mac: string) => [type, 1, ...macBytes(mac)];

/** Behind other headers: the first one's number, then these bytes, then the message. */
const behind = (
  from: Host,
  to: Host,
  first: number,
  headers: readonly number[],
  message: readonly number[],
) => ip6(from, to, first, Buffer.concat([Buffer.from(headers), sumIcmp6(from, to, Buffer.from(message))]));

const withTag = (frame: Uint8Array, type = TAGGED) =>
  Buffer.concat([frame.subarray(0, 12), Buffer.from([type >> 8, type & 255, 0, 0]), frame.subarray(12)]);

/** IP or ARP in IEEE 802.2 with SNAP. */
function inSnap(frame: Uint8Array): Uint8Array {
  const inner = Buffer.concat([Buffer.from([0xaa, 0xaa, 3, 0, 0, 0]), frame.subarray(12)]);
  return Buffer.concat([frame.subarray(0, 12), Buffer.from([inner.length >> 8, inner.length & 255]), inner]);
}

const dhcpReply = Buffer.alloc(240, 0).fill(2, 0, 1);
const dhcpRequest = (mac: string) => {
  const message = Buffer.alloc(240, 0).fill(1, 0, 1);
  message.set(macBytes(mac), 28);
  return message;
};

const routerAdvert = [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
const neighbourAdvert = (target: string, mac?: string) => [
  ...[136, 0, 0, 0, 0x20, 0, 0, 0, ...ipBytes(target)],
  ...(mac === undefined ? [] : option(2, mac)),
];
const neighbourSolicit = (target: string, ...options: number[][]) => [
  ...[135, 0, 0, 0, 0, 0, 0, 0, ...ipBytes(target), ...options.flat()],
];

/** A guest, with all that it may use, and somebody whom it would like to be. */
export interface Cast {
  readonly own: Host;
  readonly own6: Host;
  readonly linkLocal: Host;
  readonly victim: Host;
  readonly victim6: Host;
  readonly lan: Host;
  readonly lan6: Host;
}

const named = (frames: Readonly<Record<string, Uint8Array>>): Sent[] =>
  Object.entries(frames).map(([what, frame]) => ({ what, frame: marked(frame) }));

const kinds = (forgeries: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>): Forgery[] =>
  Object.entries(forgeries).flatMap(([kind, frames]) => named(frames).map(sent => ({ ...sent, kind })));

const echo = (from: Host, to: Host) => echoRequest(from, to, { id: 7, sequence: 1 });

/** Against `antiSpoof` of either kind. */
export function forgedMacs({ own, own6, linkLocal, victim, lan, lan6 }: Cast): Forgery[] {
  return kinds({
    mac: {
      'IPv4 by a foreign MAC': echo({ ...own, mac: victim.mac }, lan),
      'IPv6 by a foreign MAC': echo({ ...own6, mac: victim.mac }, lan6),
      'ARP by a foreign MAC': arpRequest({ ...own, mac: victim.mac }, lan.ip),
      'a DHCP request in the name of a foreign MAC': ip4(
        { mac: own.mac, ip: '0.0.0.0' },
        ALL,
        UDP,
        udp(68, 67, dhcpRequest(victim.mac)),
      ),
    },
    arp: {
      'ARP that tells a foreign MAC': Buffer.concat([
        arpRequest(own, lan.ip).subarray(0, 22),
        Buffer.from(macBytes(victim.mac)),
        arpRequest(own, lan.ip).subarray(28),
      ]),
      'ARP with addresses of another size': Buffer.concat([
        arpRequest(own, lan.ip).subarray(0, 18),
        Buffer.from([8]),
        arpRequest(own, lan.ip).subarray(19),
      ]),
    },
    nd: {
      'a solicitation that tells a foreign MAC': icmp6(
        own6,
        ALL_NODES,
        neighbourSolicit(lan6.ip, option(1, victim.mac)),
      ),
      'a solicitation that tells it in its second option': icmp6(
        own6,
        ALL_NODES,
        neighbourSolicit(lan6.ip, [14, 1, 1, 2, 3, 4, 5, 6], option(1, victim.mac)),
      ),
      'an advertisement that tells a foreign MAC': icmp6(
        own6,
        ALL_NODES,
        neighbourAdvert(own6.ip, victim.mac),
      ),
      'a router solicitation that tells a foreign MAC': icmp6(linkLocal, ALL_NODES, [
        ...[133, 0, 0, 0, 0, 0, 0, 0],
        ...option(1, victim.mac),
      ]),
    },
    hidden: {
      'ARP in a VLAN': withTag(arpRequest(own, lan.ip)),
      'IPv4 in VLAN 0': withTag(echo(own, lan)),
      'ARP in two VLANs': withTag(withTag(arpRequest(own, lan.ip))),
      'IPv4 in a provider VLAN': withTag(echo(own, lan), 0x88a8),
      'ARP in SNAP': inSnap(arpRequest(own, lan.ip)),
      'an advertisement behind a hop-by-hop header': behind(
        own6,
        ALL_NODES,
        HOP_BY_HOP,
        [ICMPV6, 0, 1, 4, 0, 0, 0, 0],
        neighbourAdvert(own6.ip, victim.mac),
      ),
      'an advertisement in a fragment': behind(
        own6,
        ALL_NODES,
        FRAGMENT,
        [ICMPV6, 0, 0, 1, 0, 0, 0, 9],
        neighbourAdvert(own6.ip, victim.mac),
      ),
      'a first fragment that shows no protocol': ip6(
        own6,
        ALL_NODES,
        FRAGMENT,
        Buffer.from([60, 0, 0, 1, 0, 0, 0, 9, ICMPV6, 3, 1, 4, 0, 0, 0, 0]),
      ),
    },
  });
}

/** Against `antiSpoof: "ip"`. */
export function forgedAddresses({ own, own6, linkLocal, victim, victim6, lan, lan6 }: Cast): Forgery[] {
  const from = (ip: string) => ({ mac: own.mac, ip });
  return kinds({
    ip: {
      'IPv4 from a foreign address': echo(from(victim.ip), lan),
      'IPv4 from nowhere': echo(from('0.0.0.0'), lan),
      'IPv6 from a foreign address': echo(from(victim6.ip), lan6),
      'IPv6 from a foreign link-local address': echo(from('fe80::1'), lan6),
    },
    arp: {
      'an ARP reply about a foreign address': arpReply(from(victim.ip), lan),
      'gratuitous ARP about a foreign address': arpRequest(from(victim.ip), victim.ip),
      'an ARP probe for a foreign address': arpProbe(own.mac, victim.ip),
    },
    nd: {
      'an unasked advertisement about a foreign address': icmp6(
        own6,
        ALL_NODES,
        neighbourAdvert(victim6.ip, own.mac),
      ),
      "an advertisement about the router's link-local address": icmp6(
        linkLocal,
        ALL_NODES,
        neighbourAdvert('fe80::1', own.mac),
      ),
      'a probe for a foreign address': icmp6(from('::'), ALL_NODES, neighbourSolicit(victim6.ip)),
    },
    protocol: { 'a frame of another protocol': ethernet(lan.mac, own.mac, 0x88b5, Buffer.alloc(46)) },
  });
}

/** Against the guards; all else about them is right. */
export function forgedAuthority({ own, own6, linkLocal, victim, lan6 }: Cast): Forgery[] {
  const llc = (to: string, body: readonly number[]) => ethernet(to, own.mac, body.length, Buffer.from(body));
  const config = [0x42, 0x42, 3, ...new Array(35).fill(0)];
  return kinds({
    dhcp: {
      'a DHCP offer': ip4(own, ALL, UDP, udp(67, 68, dhcpReply)),
      'a DHCP offer from another port': ip4(own, ALL, UDP, udp(1067, 68, dhcpReply)),
      'a DHCPv6 reply': ip6(linkLocal, ALL_NODES, UDP, udp(547, 546, Buffer.from([7, 1, 2, 3]))),
      'a DHCPv6 reply from another port': ip6(own6, lan6, UDP, udp(1547, 546, Buffer.from([7, 1, 2, 3]))),
    },
    ra: {
      'a router advertisement': icmp6(linkLocal, ALL_NODES, routerAdvert),
      'a redirect': icmp6(linkLocal, lan6, [
        137,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        ...ipBytes(own6.ip),
        ...ipBytes(victim.ip === '' ? '::' : '2001:db8::1'),
      ]),
    },
    hidden: {
      'a router advertisement behind destination options': behind(
        linkLocal,
        ALL_NODES,
        60,
        [ICMPV6, 0, 1, 4, 0, 0, 0, 0],
        routerAdvert,
      ),
      'a router advertisement in a fragment': behind(
        linkLocal,
        ALL_NODES,
        FRAGMENT,
        [ICMPV6, 0, 0, 1, 0, 0, 0, 8],
        routerAdvert,
      ),
    },
    bpdu: {
      'a BPDU': llc('01:80:c2:00:00:00', config),
      'a BPDU to a unicast address': llc('02:00:00:00:00:77', config),
      'a BPDU per VLAN': llc('01:00:0c:cc:cc:cd', [
        0xaa,
        0xaa,
        3,
        0,
        0,
        0x0c,
        1,
        0x0b,
        ...new Array(35).fill(0),
      ]),
    },
  });
}

/** What has to pass under every rule. */
export function honest({ own, own6, linkLocal, lan, lan6 }: Cast): Sent[] {
  const from = (ip: string) => ({ mac: own.mac, ip });
  return named({
    'an ARP request': arpRequest(own, lan.ip),
    'an ARP reply': arpReply(own, lan),
    'gratuitous ARP': arpRequest(own, own.ip),
    'an ARP probe': arpProbe(own.mac, own.ip),
    'an IPv4 echo request': echo(own, lan),
    'a DHCP request': ip4(from('0.0.0.0'), ALL, UDP, udp(68, 67, dhcpRequest(own.mac))),
    'IPv4 UDP': ip4(own, lan, UDP, udp(4000, 4001, Buffer.alloc(20))),
    'an IPv6 echo request': echo(own6, lan6),
    'a solicitation': solicitation(own6, lan6.ip),
    'a solicitation from the link-local address': solicitation(linkLocal, lan6.ip),
    'an advertisement': advertisement(own6, lan6),
    'duplicate detection': icmp6(from('::'), ALL_NODES, neighbourSolicit(own6.ip)),
    'duplicate detection with a nonce': icmp6(
      from('::'),
      ALL_NODES,
      neighbourSolicit(linkLocal.ip, [14, 1, 1, 2, 3, 4, 5, 6]),
    ),
    'a router solicitation': icmp6(linkLocal, ALL_NODES, [133, 0, 0, 0, 0, 0, 0, 0, ...option(1, own.mac)]),
    'a listener report behind a router alert': behind(
      from('::'),
      { mac: '33:33:00:00:00:16', ip: 'ff02::16' },
      HOP_BY_HOP,
      [ICMPV6, 0, 5, 2, 0, 0, 1, 0],
      [143, 0, 0, 0, 0, 0, 0, 0],
    ),
    'a DHCPv6 request': ip6(linkLocal, ALL_NODES, UDP, udp(546, 547, Buffer.from([1, 1, 2, 3]))),
    'a first fragment of UDP': ip6(
      own6,
      lan6,
      FRAGMENT,
      Buffer.concat([Buffer.from([UDP, 0, 0, 1, 0, 0, 0, 7]), udp(4000, 4001, Buffer.alloc(24))]),
    ),
    'a later fragment': ip6(
      own6,
      lan6,
      FRAGMENT,
      Buffer.concat([Buffer.from([UDP, 0, 0, 0x20, 0, 0, 0, 7]), Buffer.alloc(16)]),
    ),
  });
}
