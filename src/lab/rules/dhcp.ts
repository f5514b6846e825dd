import { ADDRESS_BITS, type Cidr, contains, formatIp, parseCidr, parseIp, subnetText } from '../cidr.js';
import { DOMAIN_PATTERN } from '../patterns.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import { isServedByDefault } from '../served.js';
import type { LooseLab } from '../shape.js';
import { timeSeconds } from '../units.js';
import { useFault } from './cidr-fault.js';
import { type AtBridge, bridgeAddressOf, bridgesOf, type LooseBridge, textsAt } from './walk.js';

type Settings = Exclude<NonNullable<LooseBridge['dhcp']>, boolean>;

/** DHCP is served in a subnet of the bridge's own, never on somebody else's network; and what is served is possible. */
export function checkDhcp(lab: LooseLab, report: Report): void {
  for (const at of bridgesOf(lab)) {
    const dhcp = at.bridge.dhcp ?? isServedByDefault(at.bridge);
    // What Open vSwitch does not do is told elsewhere.
    if (dhcp === false || at.bridge.type === 'ovs') continue;
    const path = [...at.path, 'dhcp'];
    const where = at.bridge.dhcp === undefined ? [...at.path, 'mode'] : path;
    const subnet = servedSubnet(at, where, report);
    if (typeof dhcp === 'object') checkSettings(dhcp, subnet, at, path, report);
  }
}

/** The first IPv4 subnet; `auto` where vmnet chooses it; null where there is none, which is told. */
function servedSubnet({ name, bridge }: AtBridge, path: Path, report: Report): Cidr | 'auto' | null {
  const whose =
    bridge.permanent === true ? 'is permanent' : bridge.uplink === undefined ? null : 'has an uplink';
  if (whose !== null) {
    // That such a bridge is not for NAT is told elsewhere.
    if (bridge.dhcp === undefined) return null;
    report(
      path,
      `the bridge ${quote(name)} ${whose}, so its network may have a DHCP server of its own, which a second one would disturb`,
      'take "dhcp" out, or give the guests a bridge of their own: "mode": "nat"',
    );
    return null;
  }
  const address = bridgeAddressOf(bridge);
  if (address === 'auto') return 'auto';
  const texts = typeof address === 'string' ? [address] : (address ?? []);
  // What is no address is told elsewhere.
  if (texts.some(text => text === undefined || (!['none', 'inherit'].includes(text) && !parseCidr(text))))
    return null;
  const subnet = texts.map(text => parseCidr(text ?? '')).find(cidr => cidr?.family === 4);
  if (!subnet) {
    report(
      path,
      `the bridge ${quote(name)} has no IPv4 address, so DHCP cannot be served there`,
      'write "address": "auto", or one such as "10.1.0.1/24"; or "dhcp": false',
    );
    return null;
  }
  if (subnet.prefix > ADDRESS_BITS[4] - 2) {
    report(
      path,
      `the subnet ${subnetText(subnet)} of bridge ${quote(name)} has no address to give away`,
      'write a shorter prefix, such as /24, or "dhcp": false',
    );
    return null;
  }
  return subnet;
}

function checkSettings(
  dhcp: Settings,
  subnet: Cidr | 'auto' | null,
  { name }: AtBridge,
  path: Path,
  report: Report,
): void {
  if (dhcp.range !== undefined) checkRange(dhcp.range, subnet, name, [...path, 'range'], report);
  checkLeaseTime(dhcp.leaseTime, [...path, 'leaseTime'], report);
  checkDomain(dhcp.domain, [...path, 'domain'], report);
  for (const { text, path: at } of textsAt(dhcp.dns, [...path, 'dns'])) readAddress(text, at, report);
}

function checkRange(
  range: NonNullable<Settings['range']>,
  subnet: Cidr | 'auto' | null,
  bridge: string,
  path: Path,
  report: Report,
): void {
  if (subnet === 'auto') {
    report(
      path,
      `the subnet of bridge ${quote(bridge)} is chosen by vmnet, so no range in it can be named`,
      'take "range" out, or give the bridge an "address" of your own',
    );
    return;
  }
  const ends = textsAt(range, path).map(({ text, path: at }) => readAddress(text, at, report, subnet));
  const [first, last] = ends;
  if (first && last && first.value > last.value)
    report(
      path,
      `the range begins with ${first.address}, behind its end ${last.address}`,
      `write [${quote(last.address)}, ${quote(first.address)}]`,
    );
}

/** An IPv4 address of a host, in the subnet where one is given. */
function readAddress(text: string, path: Path, report: Report, subnet: Cidr | null = null): Cidr | null {
  const ip = parseIp(text);
  const cidr = ip?.family === 4 ? parseCidr(`${text}/${subnet?.prefix ?? ADDRESS_BITS[4]}`) : null;
  if (cidr === null) {
    report(path, `${quote(text)} is not an IPv4 address`, 'write one such as "10.1.0.100", without prefix');
    return null;
  }
  const outside = subnet !== null && !contains(subnet, cidr);
  const fault = outside ? null : useFault(cidr);
  if (!outside && fault === null) return cidr;
  const edges = subnet && [subnet.network + 1n, subnet.last - 1n].map(value => formatIp(4, value));
  report(
    path,
    outside
      ? `the address ${text} is outside the subnet ${subnetText(subnet)} of the bridge`
      : (fault?.message ?? ''),
    edges ? `choose one from ${edges.join(' to ')}` : 'choose the address of a host',
  );
  return null;
}

/** Seconds: dnsmasq knows no shorter one; and a year. */
const SHORTEST = 120;
const LONGEST = 366 * 86_400;

function checkLeaseTime(time: string | undefined, path: Path, report: Report): void {
  if (time === undefined) return;
  const seconds = timeSeconds(time);
  if (seconds === null)
    report(
      path,
      `${quote(time)} is not a time`,
      'write a number with "m", "h" or "d", such as "90m" or "1h"',
    );
  else if (seconds < SHORTEST || seconds > LONGEST)
    report(path, `the lease time ${quote(time)} is out of range`, 'write 2m to 366d');
}

/** Octets of a name are at most 253, and a VM takes up to 64. */
const LONGEST_DOMAIN = 180;

function checkDomain(domain: string | undefined, path: Path, report: Report): void {
  if (domain === undefined) return;
  if (domain.length <= LONGEST_DOMAIN && new RegExp(DOMAIN_PATTERN).test(domain)) return;
  report(
    path,
    `${quote(domain)} is not a domain`,
    `write lower-case letters, digits, "-" and dots, such as "lab.test", at most ${LONGEST_DOMAIN}; the part behind the last dot begins with a letter`,
  );
}
