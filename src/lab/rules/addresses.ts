import { type Cidr, contains, formatIp, isLinkLocal, parseCidr, sameAddress, subnetText } from '../cidr.js';
import { HOST } from '../names.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { nearest } from '../suggest.js';
import { cidrFault, useFault } from './cidr-fault.js';
import {
  type AtBridge,
  bridgeAddressOf,
  bridgesOf,
  endsOf,
  innerNicsOf,
  nicsOf,
  textsAt,
  tunsOf,
} from './walk.js';

/** An address of the lab, with whom it belongs to. */
interface Owned {
  readonly cidr: Cidr;
  readonly owner: string;
  readonly path: Path;
}

/** Every address can be used on an interface, is there once, and fits the subnets of its bridge. */
export function checkAddresses(lab: LooseLab, report: Report): void {
  const seen = new Map<string, Owned>();
  const subnets = new Map<string, Owned[]>();
  const chosen = new Set<string>();
  for (const at of bridgesOf(lab)) {
    const own = bridgeAddresses(at, report);
    if (bridgeAddressOf(at.bridge) === 'auto') chosen.add(at.name);
    subnets.set(at.name, own);
    for (const owned of own) checkUnique(owned, '', seen, report);
  }
  for (const { name, tun, path } of tunsOf(lab)) {
    for (const { text, path: at } of textsAt(tun.address, [...path, 'address'])) {
      const owned = readAddress(text, `tun ${quote(name)}`, at, report);
      if (owned) checkUnique(owned, '', seen, report);
    }
  }
  const guests = nicsOf(lab).map(({ vm, index, nic, path }) => ({
    who: `VM ${quote(vm)}, NIC ${index}`,
    bridge: nic.bridge ?? (nic.uplink === undefined ? '' : `macvtap ${nic.uplink}`),
    address: nic.address,
    path,
  }));
  const inner = innerNicsOf(lab).map(nic => ({ ...nic, bridge: 'bridge' in nic.at ? nic.at.bridge : '' }));
  for (const { who, bridge = '', address, path } of [...guests, ...inner]) {
    const own = subnets.get(bridge) ?? [];
    for (const { text, path: at } of textsAt(address, [...path, 'address'])) {
      const owned = readAddress(text, who, at, report);
      if (owned === null) continue;
      if (chosen.has(bridge) && owned.cidr.family === 4) {
        tooEarly(owned, bridge, report);
        continue;
      }
      if (!clashes(owned, own, report)) checkSubnet(owned, bridge, own, report);
      checkUnique(owned, bridge, seen, report);
    }
  }
  for (const { who, namespace, at: wire, address, path } of endsOf(lab)) {
    // The host's end has an address of the host.
    const segment = namespace === HOST || !('link' in wire) ? '' : `link ${wire.link}`;
    for (const { text, path: at } of textsAt(address, [...path, 'address'])) {
      const owned = readAddress(text, who, at, report);
      if (owned !== null) checkUnique(owned, segment, seen, report);
    }
  }
}

function bridgeAddresses({ name, bridge, path }: AtBridge, report: Report): Owned[] {
  const at = [...path, 'address'];
  if (bridge.address === 'none') return [];
  if (bridge.address === 'auto') {
    if ('uplink' in bridge)
      report(
        at,
        `the bridge ${quote(name)} has an uplink, so its addresses are those of the network there`,
        'write "inherit" to keep what the uplink has, "none", or take "uplink" out',
      );
    return [];
  }
  if (bridge.address === 'inherit') {
    if (!('uplink' in bridge)) {
      report(
        at,
        `the bridge ${quote(name)} has no uplink to inherit addresses from`,
        'add "uplink", or write "none"',
      );
    }
    return [];
  }
  return textsAt(bridge.address, at).flatMap(
    ({ text, path }) => readAddress(text, `bridge ${quote(name)}`, path, report) ?? [],
  );
}

function readAddress(text: string, owner: string, path: Path, report: Report): Owned | null {
  const cidr = parseCidr(text);
  const fault = cidr === null ? cidrFault(text) : useFault(cidr);
  if (fault === null) return cidr === null ? null : { cidr, owner, path };
  report(path, fault.message, (path[0] === 'bridges' ? wordFix(text) : null) ?? fault.fix);
  return null;
}

/** A bridge may have a word instead; null where no word was meant. */
function wordFix(text: string): string | null {
  if (!/^[a-z]+$/i.test(text)) return null;
  const word = nearest(text, ['inherit', 'auto', 'none']);
  if (word !== null) return `did you mean ${quote(word)}?`;
  return 'write "inherit" to keep what the uplink has, "auto" for a free subnet, "none", or an address such as "192.168.1.1/24"';
}

/** The bridge's own address is in use on the host itself. */
function clashes({ cidr, path }: Owned, own: readonly Owned[], report: Report): boolean {
  const same = own.find(other => sameAddress(other.cidr, cidr));
  if (same === undefined) return false;
  report(
    path,
    `the address ${cidr.address} is that of ${same.owner} itself`,
    `choose another one in ${subnetText(same.cidr)}`,
  );
  return true;
}

/** Which subnet it will be, the lab does not say. */
function tooEarly({ cidr, path }: Owned, bridge: string, report: Report): void {
  const own = `give the bridge an address of your own, such as ${quote(gatewayFor(cidr))}`;
  report(
    path,
    `the address ${cidr.address} cannot be kept for a guest: the subnet of bridge ${quote(bridge)} is chosen by vmnet`,
    // Who asks for a lease in a namespace is up to its user.
    path[0] === 'namespaces'
      ? `${own}; or take it out, and run a DHCP client there with vmnet exec`
      : `take it out and let DHCP give one, or ${own}`,
  );
}

/** Another address of the same subnet, for the bridge. */
function gatewayFor({ network, value, prefix }: Cidr): string {
  const first = network + 1n === value ? network + 2n : network + 1n;
  return `${formatIp(4, first)}/${prefix}`;
}

function checkSubnet({ cidr, path }: Owned, bridge: string, own: readonly Owned[], report: Report): void {
  const family = own.filter(other => other.cidr.family === cidr.family);
  // Link-local addresses are at home on every link.
  if (family.length === 0 || isLinkLocal(cidr) || family.some(other => contains(other.cidr, cidr))) return;
  const subnets = family.map(other => subnetText(other.cidr)).join(' or ');
  report(
    path,
    `the address ${cidr.address} is outside the subnets of bridge ${quote(bridge)}`,
    `choose one in ${subnets}`,
  );
}

/** One address may be on two bridges that know nothing of each other; the host's own may not. */
function checkUnique(owned: Owned, segment: string, seen: Map<string, Owned>, report: Report): void {
  const { cidr, path } = owned;
  const key = `${segment} ${cidr.family} ${cidr.value}`;
  const other = seen.get(key);
  if (other === undefined) seen.set(key, owned);
  else report(path, `the address ${cidr.address} is also that of ${other.owner}`, 'change one of the two');
}
