import type { Check } from '../model.js';
import { type MacvtapEvidence, stackOf } from './model.js';

/** The columns of the proof's table from the tap to the host's stack. */
export function macvtapHops(evidence: MacvtapEvidence): (string | number)[] {
  const { macvtap, uplink, inbound, first } = evidence;
  return [
    `${macvtap.name} ${macvtap.sent}`,
    'macvtap',
    `${uplink.name} ${uplink.captured ?? uplink.egress}`,
    first?.left ? `${first.left.afterUs} µs` : '-',
    inbound === null ? '-' : (inbound.captured ?? inbound.ingress),
    stackOf(evidence),
  ];
}

/** The proof of one macvtap in sentences. */
export function explainMacvtap({ vm, nic, verdict, hint }: Check, evidence: MacvtapEvidence): string {
  return [
    `${vm}, NIC ${nic}: ${verdict}${hint ? `, since ${hint}` : ''}.`,
    ...[outward(evidence), moment(evidence), inward(evidence), fullSize(evidence)].filter(Boolean),
    stack(evidence),
    `Addresses seen or derived: ${evidence.addresses.join(', ') || 'none'}.`,
    `Asked by: ${evidence.tried.join('; ') || 'nothing, it was only listened to'}.`,
  ].join('\n  ');
}

const frames = (count: number) => `${count} ${count === 1 ? 'frame' : 'frames'}`;

function outward({ macvtap, uplink }: MacvtapEvidence): string {
  const sent = `Guest → LAN: ${frames(macvtap.sent)} were sent through ${macvtap.name}, a macvtap on ${uplink.name}`;
  if (macvtap.captured === null || uplink.captured === null)
    return `${sent}; ${uplink.egress} unicast passed the egress hook of ${uplink.name} (nothing was captured there).`;
  const { unicast, multicast } = macvtap.captured;
  return `${sent}; of ${unicast} unicast and ${multicast} multicast of the guest that were captured there, ${uplink.captured} unicast were captured leaving ${uplink.name} behind all filters, with the guest's own MAC.`;
}

function moment({ first, macvtap }: MacvtapEvidence): string {
  if (first === null) return '';
  const what = `The first frame, ${/^[aeiou]/i.test(first.what) ? 'an' : 'a'} ${first.what} of ${first.length} bytes, was sent through ${macvtap.name} at ${new Date(first.atUs / 1000).toISOString()}`;
  if (first.left === null) return `${what}; the same frame was not seen to leave.`;
  return `${what} and left ${first.left.port} ${first.left.afterUs} µs later, byte for byte the same.`;
}

function inward({ inbound, uplink, macvtap }: MacvtapEvidence): string {
  if (inbound === null) return 'LAN → guest: nothing was sent in at the uplink.';
  const reached =
    inbound.captured === null ? '' : `, and ${inbound.captured} of our echo requests reached ${macvtap.name}`;
  return `LAN → guest: of the unicast that came in at ${uplink.name}, ${inbound.ingress} passed its ingress hook${reached}.`;
}

const fullSize = ({ fullSize: size }: MacvtapEvidence): string =>
  size === null
    ? ''
    : `Full size: asked with ${size.bytes} bytes; answers of that size that left: ${size.left}.`;

function stack(evidence: MacvtapEvidence): string {
  const { prerouting, forward, input, arp, toGuest } = evidence.hostStack;
  return stackOf(evidence) === 0
    ? "The host's IP stack saw none of it."
    : `The host's IP stack saw it: prerouting ${prerouting}, forward ${forward}, input ${input}, ARP ${arp}, for the guest ${toGuest}.`;
}
