import type { Nic } from './model.js';

/** Why a frame of a guest is dropped; each has a counter for each NIC it may happen to. */
export const DROPS = {
  hidden: 'tags, LLC headers or fragments that hide what is inside',
  mac: 'a foreign MAC',
  arp: 'ARP about an address, or a MAC, that is not its own',
  nd: 'neighbour discovery about an address, or a MAC, that is not its own',
  ip: 'a foreign IP address',
  protocol: 'neither IP nor ARP',
  dhcp: 'an answer of a DHCP server',
  ra: 'a router advertisement or redirect',
  bpdu: 'a message of the spanning tree',
  rate: 'more than its bandwidth',
} as const;

export type Drop = keyof typeof DROPS;

/** Name of the set that counts them. */
export const dropSet = (kind: Drop) => `dropped_${kind}`;

/** What may happen to frames of this NIC. */
export function dropsOf({ antiSpoof, guard, bandwidth }: Nic): Drop[] {
  const hides = antiSpoof !== 'off' || guard.includes('dhcp') || guard.includes('ra');
  return [
    ...(hides ? (['hidden'] as const) : []),
    ...(antiSpoof === 'off' ? [] : (['mac', 'arp', 'nd'] as const)),
    ...(antiSpoof === 'ip' ? (['ip', 'protocol'] as const) : []),
    ...guard,
    ...(bandwidth.out === null ? [] : (['rate'] as const)),
  ];
}

/** EUI-64 (RFC 4291, appendix A). Any other link-local address could be the router's. */
export function linkLocal(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map(byte => Number.parseInt(byte, 16));
  const words = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return `fe80::${words.map(word => word.toString(16)).join(':')}`;
}
