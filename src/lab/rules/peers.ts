import { ADDRESS_BITS, formatIp, parseCidr, parseIp } from '../cidr.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { useFault } from './cidr-fault.js';
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
  const ip = parseIp(text);
  if (ip === null) {
    const fix = text.includes('/')
      ? 'leave out the prefix, the part from "/" on'
      : 'write one such as "192.168.1.1" or "fd00::1"';
    report(path, `${quote(text)} is not an IP address`, fix);
    return;
  }
  const address = formatIp(ip.family, ip.value);
  const whole = parseCidr(`${address}/${ADDRESS_BITS[ip.family]}`);
  const fault = whole && useFault(whole);
  if (fault) report(path, fault.message, 'name a host of your network');
  else if (seen.has(address)) report(path, `the peer ${address} is there twice`, 'leave one of them out');
  seen.add(address);
}
