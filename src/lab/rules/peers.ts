import { parseHost } from '../cidr.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { hostFix, useFault } from './cidr-fault.js';
import { bridgesOf, textsAt } from './walk.js';

/** Peers are asked around the move of an uplink's addresses: there has to be one, and each has to be an address of a host. */
export function checkPeers(lab: LooseLab, report: Report): void {
  for (const { name, bridge, path } of bridgesOf(lab)) {
    if (bridge.peers === undefined) continue;
    const at = [...path, 'peers'];
    if (!('uplink' in bridge) || (bridge.address ?? 'inherit') !== 'inherit') {
      const message = `the bridge ${quote(name)} has peers, but takes over no addresses through which to reach them`;
      report(at, message, 'leave "peers" out, or give it an "uplink" and "address": "inherit"');
    }
    const seen = new Set<string>();
    for (const { text, path } of textsAt(bridge.peers, at)) checkPeer(text, path, seen, report);
  }
}

function checkPeer(text: string, path: Path, seen: Set<string>, report: Report): void {
  const host = parseHost(text);
  if (host === null) {
    report(path, `${quote(text)} is not an IP address`, hostFix(text));
    return;
  }
  const { address } = host;
  const fault = useFault(host);
  if (fault) report(path, fault.message, 'name a host of your network');
  else if (seen.has(address)) report(path, `the peer ${address} is there twice`, 'leave one of them out');
  seen.add(address);
}
