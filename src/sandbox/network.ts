import { bare, formatIp, overlap, parseCidr } from '../lab/cidr.js';
import type { Bridge, Lab } from '../lab/model.js';
import { nicsOf } from '../lab/nics.js';

/** One NIC of the throw-away host, and the LAN's end of its cable. */
export interface SandboxNic {
  readonly name: string;
  /** CIDRs. */
  readonly host: readonly string[];
  readonly lan: readonly string[];
  /** Gateways of the host's default routes: the LAN's own addresses. */
  readonly gateways: readonly string[];
}

/** Documentation ranges (RFC 5737, RFC 3849 is /32; a ULA stands in for it): no real network is meant. */
const DEFAULTS = ['192.0.2.0/24', 'fd00:db8::/64'] as const;

/**
 * The uplinks of a lab as NICs of a sandbox. The LAN gets an address in each subnet that the lab's guests use,
 * so that it can ping them; the host gets one where the bridge takes its uplink's addresses over. A lab with networks
 * behind the host needs one that is the host's own: nothing could get out, or be kept from it, without an outside.
 */
export function networkFor(lab: Lab): SandboxNic[] {
  const uplinks = [
    ...lab.bridges.flatMap(bridge => (bridge.uplink === null ? [] : [bridged(lab, bridge, bridge.uplink)])),
    ...shared(lab),
  ].map(nicFor);
  const needed = lab.bridges.some(({ mode }) => mode !== 'bridged');
  return needed && !uplinks.some(({ gateways }) => gateways.length > 0)
    ? [...uplinks, outsideOf(lab, uplinks)]
    : uplinks;
}

/** Ranges for the host's own NIC, in the order in which they are tried. */
const OUTSIDE = {
  4: [DEFAULTS[0], '198.51.100.0/24', '203.0.113.0/24'],
  6: [DEFAULTS[1], 'fd00:db8:fffe::/64', 'fd00:db8:ffff::/64'],
} as const;

/** A NIC with default routes that is nobody's uplink, in subnets that the lab does not use. */
function outsideOf(lab: Lab, uplinks: readonly SandboxNic[]): SandboxNic {
  const used = [
    ...uplinks.flatMap(({ lan }) => lan),
    ...lab.bridges.flatMap(({ address }) => ('cidrs' in address ? address.cidrs : [])),
    ...nicsOf(lab).flatMap(({ addresses }) => addresses),
    ...lab.links.flatMap(({ ends }) => ends.flatMap(({ addresses }) => addresses)),
  ].flatMap(text => parseCidr(text) ?? []);
  const isFree = (text: string) => used.every(other => !overlap(other, parseCidr(text) ?? other));
  const subnets = ([4, 6] as const).flatMap(family => OUTSIDE[family].find(isFree) ?? []);
  const lan = subnets.flatMap(subnet => freeAddress(subnet, []) ?? []);
  const names = new Set([
    ...lab.bridges.flatMap(({ name, uplink }) => [name, uplink]),
    ...lab.links.flatMap(({ ends }) => ends.map(({ name }) => name)),
    ...uplinks.map(({ name }) => name),
    ...lab.tuns.map(({ name }) => name),
  ]);
  return {
    name: nameBeside(names),
    lan,
    host: lan.flatMap(gateway => freeAddress(gateway, lan) ?? []),
    gateways: lan.map(bare),
  };
}

function nameBeside(names: ReadonlySet<string | null>): string {
  for (let i = 0; ; i++) if (!names.has(`eth${i}`)) return `eth${i}`;
}

/** What hangs on a NIC of the host. */
interface Uplink {
  readonly name: string;
  /** CIDRs that are not the host's on that NIC. */
  readonly others: readonly string[];
  readonly peers: readonly string[];
  /** The host has addresses of its own there. */
  readonly inUse: boolean;
}

const bridged = (lab: Lab, { name, address, peers }: Bridge, uplink: string): Uplink => ({
  name: uplink,
  others: [
    ...nicsOf(lab)
      .filter(nic => nic.bridge === name)
      .flatMap(nic => nic.addresses),
    ...(address.mode === 'static' ? address.cidrs : []),
  ],
  peers: peers.map(peer => `${peer}/${peer.includes(':') ? 128 : 32}`),
  inUse: address.mode === 'inherit',
});

/** Beside macvtaps the host goes on using the uplink, but for one that is a guest's alone. */
function shared(lab: Lab): Uplink[] {
  const nics = lab.vms.flatMap(vm => vm.nics).filter(({ macvtap }) => macvtap !== undefined);
  return [...new Set(nics.map(nic => nic.macvtap?.uplink ?? ''))].map(name => {
    const here = nics.filter(nic => nic.macvtap?.uplink === name);
    const inUse = here.every(nic => nic.macvtap?.mode !== 'passthru');
    return { name, others: here.flatMap(nic => nic.addresses), peers: [], inUse };
  });
}

function nicFor({ name, others, peers, inUse }: Uplink, index: number): SandboxNic {
  const used = [...others, ...peers];
  const subnets = subnetsOf(
    used.filter(cidr => !peers.includes(cidr)),
    index,
  );
  const lan = subnets.flatMap(subnet => freeAddress(subnet, used) ?? []);
  if (!inUse) return { name, lan, host: [], gateways: [] };
  const pairs = lan.flatMap(gateway => {
    const own = freeAddress(gateway, [...used, ...lan]);
    return own === null ? [] : [{ own, gateway }];
  });
  // A gateway serves only in a subnet that the host has an address in.
  return {
    name,
    // They have to answer, wherever they are.
    lan: [...lan, ...peers],
    host: pairs.map(({ own }) => own),
    gateways: firstOfEachFamily(pairs.map(({ gateway }) => gateway)),
  };
}

/** The subnets of these CIDRs, each once; the default of a family where there is none. */
function subnetsOf(cidrs: readonly string[], index: number): string[] {
  const found = new Map<string, string>();
  for (const text of cidrs) {
    const cidr = parseCidr(text);
    if (cidr && !isLinkLocal(text)) found.set(`${cidr.family} ${cidr.network} ${cidr.prefix}`, text);
  }
  const texts = [...found.values()].filter(text => freeAddress(text, cidrs) !== null);
  const missing = DEFAULTS.filter(subnet => !texts.some(text => text.includes(':') === subnet.includes(':')));
  return [...texts, ...missing.map(subnet => numbered(subnet, index))];
}

const isLinkLocal = (cidr: string) => /^fe80:/i.test(cidr);

/** The default subnet of the n-th uplink: two uplinks must not share one. */
const numbered = (subnet: string, n: number) =>
  n === 0
    ? subnet
    : subnet
        .replace('192.0.2.0', `198.51.100.${n * 16}`)
        .replace('/24', '/28')
        .replace('db8::', `db8:${n}::`);

/** The lowest address of a subnet that is not taken, as a CIDR; null in a subnet that is full. */
function freeAddress(subnet: string, taken: readonly string[]): string | null {
  const net = parseCidr(subnet);
  if (!net) return null;
  const values = new Set(
    taken.map(text => parseCidr(text)).map(cidr => cidr && `${cidr.family} ${cidr.value}`),
  );
  // A subnet of two has neither network nor broadcast address (RFC 3021).
  const [first, last] =
    net.last - net.network === 1n ? [net.network, net.last] : [net.network + 1n, net.last - 1n];
  for (let value = first; value <= last; value++) {
    if (!values.has(`${net.family} ${value}`)) return `${formatIp(net.family, value)}/${net.prefix}`;
  }
  return null;
}

function firstOfEachFamily(cidrs: readonly string[]): string[] {
  const all = cidrs.map(bare);
  const first = [all.find(address => !address.includes(':')), all.find(address => address.includes(':'))];
  return first.filter(address => address !== undefined);
}

/** One NIC with addresses and default routes of both families, for a sandbox without a lab. */
export const plainNetwork = (name: string): SandboxNic => ({
  name,
  host: ['192.0.2.2/24', 'fd00:db8::2/64'],
  lan: ['192.0.2.1/24', 'fd00:db8::1/64'],
  gateways: ['192.0.2.1', 'fd00:db8::1'],
});
