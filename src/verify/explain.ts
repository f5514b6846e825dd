import { stackTotal } from './causes/stack.js';
import { explainMacvtap } from './macvtap/describe.js';
import type { MacvtapEvidence } from './macvtap/model.js';
import type { Check, PathEvidence } from './model.js';
import { tagText } from './segment.js';
import { explainWay } from './way/explain.js';

/** The proof of each NIC in sentences. */
export const explain = (checks: readonly Check[]): string =>
  checks
    .filter(check => check.name === 'path')
    .map(check =>
      'link' in check.evidence
        ? `${check.vm}, NIC ${check.nic}: ${check.verdict}, ${check.hint ?? 'as the lab says: its cable is pulled, so nothing was sent'}.`
        : 'macvtap' in check.evidence
          ? explainMacvtap(check, check.evidence as MacvtapEvidence)
          : explainPath(check, check.evidence as PathEvidence),
    )
    .join('\n\n');

function explainPath({ vm, nic, verdict, hint }: Check, evidence: PathEvidence): string {
  return [
    `${vm}, NIC ${nic}: ${verdict}${hint ? `, since ${hint}` : ''}.`,
    ...[
      outward(evidence),
      vlan(evidence),
      moment(evidence),
      inward(evidence),
      fullSize(evidence),
      stack(evidence),
      ...explainWay(evidence),
    ].filter(Boolean),
    identity(evidence),
    `Asked by: ${evidence.tried.join('; ') || 'nothing, it was only listened to'}.`,
  ].join('\n  ');
}

const frames = (count: number) => `${count} ${count === 1 ? 'frame' : 'frames'}`;

function outward({ tap, bridge, multicast, passed, uplink }: PathEvidence): string {
  const entered = `Guest → LAN: ${frames(tap.received)} came in through ${tap.name}; ${bridge.prerouting} unicast and ${multicast} multicast of the guest reached ${bridge.name}`;
  if (uplink === null) return `${entered}, which switched ${passed.forward} copies to other ports.`;
  const left =
    uplink.captured === null
      ? `${uplink.egress} passed the egress hook of ${uplink.name} (nothing was captured there)`
      : `${uplink.captured} were captured leaving ${uplink.name} behind all filters, with the guest's own MAC`;
  return `${entered}, which handed ${passed.toUplink} unicast copies to ${uplink.name}; ${left}.`;
}

const vlan = ({ tag, uplink }: PathEvidence): string =>
  !tag || uplink === null
    ? ''
    : `VLAN: of the ${uplink.egress} at the egress hook of ${uplink.name}, ${tag.frames} were ${tagText(tag)}, as they should be.`;

function moment({ first, tap, uplink }: PathEvidence): string {
  if (first === null) return '';
  const what = `The first frame, ${/^[aeiou]/i.test(first.what) ? 'an' : 'a'} ${first.what} of ${first.length} bytes, came in at ${tap.name} at ${new Date(first.atUs / 1000).toISOString()}`;
  if (uplink === null) return `${what}.`;
  if (first.left === null) return `${what}; the same frame was not seen to leave.`;
  const { port, afterUs } = first.left;
  return `${what} and left ${port} ${afterUs} µs later, byte for byte the same.`;
}

function inward({ inbound, uplink, tap, bridge }: PathEvidence): string {
  if (uplink === null) return '';
  if (inbound === null) return 'LAN → guest: nothing could be sent in at the uplink.';
  const through =
    inbound.captured === null ? '' : `; ${inbound.captured} were captured behind all its filters`;
  return `LAN → guest: of the unicast that came in at ${uplink.name}, ${inbound.ingress} passed its ingress hook, ${inbound.prerouting} reached ${bridge.name} and ${inbound.toTap} were handed to ${tap.name}${through}.`;
}

const fullSize = ({ fullSize: size }: PathEvidence): string =>
  size === null
    ? ''
    : `Full size: asked with ${size.bytes} bytes and "don't fragment"; answers of that size that left: ${size.left}.`;

function stack(evidence: PathEvidence): string {
  const { prerouting, forward, input, arp, neighbours, conntrack, forwarded } = evidence.hostStack;
  const saw =
    stackTotal(evidence) === 0
      ? "The host's IP stack saw none of it"
      : `The host's IP stack saw it: prerouting ${prerouting}, forward ${forward}, input ${input}, ARP ${arp}${evidence.inbound ? `, on the way in ${evidence.inbound.hostStack.prerouting} and ${evidence.inbound.hostStack.forward}` : ''}`;
  const tracked =
    conntrack === null ? 'it tracks no connections' : `it tracks ${conntrack} of the guest's connections`;
  const known =
    neighbours.length === 0
      ? 'its neighbour table does not know the guest'
      : `its neighbour table: ${neighbours.join(', ')}`;
  return `${saw}; ${known}; ${tracked}; it forwarded ${forwarded} packets of anybody's meanwhile.`;
}

function identity({ fdb, bridge, addresses, strangers }: PathEvidence): string {
  const port =
    fdb === null
      ? `${bridge.name} has not learned the guest's MAC`
      : `${bridge.name} has learned ${fdb.mac} on ${fdb.port}`;
  const others = strangers.map(({ port: where, mac, frames: count }) => `${mac} on ${where} (${count})`);
  return [
    port,
    addresses.length === 0 ? 'no address of it was seen' : `addresses seen: ${addresses.join(', ')}`,
    ...(others.length === 0 ? [] : [`other senders: ${others.join(', ')}`]),
  ]
    .join('; ')
    .concat('.');
}
