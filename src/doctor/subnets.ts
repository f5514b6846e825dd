import type { Link } from '../host/model.js';
import { observeNetworks } from '../host/networks.js';
import { type Cidr, parseCidr, subnetText } from '../lab/cidr.js';
import type { Lab } from '../lab/model.js';
import { nicsOf } from '../lab/nics.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

/** A subnet that somebody holds for the network behind a device. */
export interface Claim {
  readonly who: string;
  /** Two claims on one device are one network. */
  readonly device: string;
  readonly subnet: Cidr;
}

export async function lookAtSubnets({ drivers, lab, host }: Ground): Promise<Finding[]> {
  const seen = await host();
  const networks = seen.libvirt === null ? [] : await networkClaims(drivers);
  return [judgeSubnets([...linkClaims(seen.links), ...networks, ...labClaims(lab)])];
}

/** Of libvirt's networks; an active one has its bridge, and shows as a link besides. */
async function networkClaims(drivers: Ground['drivers']): Promise<Claim[]> {
  return (await observeNetworks(drivers)).flatMap(({ name, bridge, cidrs }) =>
    cidrs
      .flatMap(cidr => parseCidr(cidr) ?? [])
      .map(subnet => ({
        who: `libvirt's network ${name}`,
        device: bridge ?? `network ${name}`,
        subnet,
      })),
  );
}

/** Addresses of one computer, as on a VPN, claim no network; neither do those of the link or of loopback. */
function linkClaims(links: readonly Link[]): Claim[] {
  return links
    .filter(link => link.type !== 'loopback')
    .flatMap(link =>
      link.addresses
        .filter(({ scope }) => scope === 'global')
        .flatMap(({ local, prefix }) => parseCidr(`${local}/${prefix}`) ?? [])
        .filter(({ prefix, family }) => prefix < (family === 4 ? 32 : 128))
        .map(subnet => ({ who: link.name, device: link.name, subnet })),
    );
}

/** Of bridges with addresses of their own, and of guests on bridges without an uplink. */
function labClaims(lab: Lab | null): Claim[] {
  const guests = (bridge: string) =>
    (lab === null ? [] : nicsOf(lab)).filter(nic => nic.bridge === bridge).flatMap(nic => nic.addresses);
  return (lab?.bridges ?? [])
    .filter(bridge => bridge.uplink === null)
    .flatMap(({ name, address }) =>
      [...(address.mode === 'static' ? address.cidrs : []), ...guests(name)].map(cidr => ({ name, cidr })),
    )
    .flatMap(({ name, cidr }) => {
      const subnet = parseCidr(cidr);
      return subnet === null ? [] : [{ who: `the lab's bridge ${name}`, device: name, subnet }];
    });
}

/** How many clashes are told. */
const SHOWN = 4;

export function judgeSubnets(claims: readonly Claim[]): Finding {
  const it = about('subnets', 'subnets', 'Where two networks have one subnet, packets go to the wrong one.');
  const clashes = new Set(
    claims.flatMap((a, i) =>
      claims
        .slice(i + 1)
        .filter(b => a.device !== b.device && overlap(a.subnet, b.subnet))
        .map(
          b =>
            `${a.who} and ${b.who} share ${subnetText(a.subnet.prefix > b.subnet.prefix ? a.subnet : b.subnet)}`,
        ),
    ),
  );
  if (clashes.size === 0) return it.ok('no two networks share one');
  const told = [...clashes].slice(0, SHOWN);
  const more = clashes.size > SHOWN ? [`and ${clashes.size - SHOWN} more`] : [];
  return it.warning(
    [...told, ...more].join('; '),
    'give one of them another subnet; for a network of libvirt: virsh net-edit NAME',
  );
}

const overlap = (a: Cidr, b: Cidr) => a.family === b.family && a.network <= b.last && b.network <= a.last;
