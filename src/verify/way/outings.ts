import { randomBytes } from 'node:crypto';
import type { HostState, Link } from '../../host/model.js';
import { formatIp, parseCidr } from '../../lab/cidr.js';
import type { Intent } from '../intent.js';
import { domainOf } from '../segment.js';
import { ownMac } from '../station.js';
import type { Target } from '../targets.js';
import { type Aims, aimsOf, type Nowhere } from './aims.js';

/** What is to be tried on one bridge, or one VLAN of it, that is no plain switch. */
export interface Outing {
  readonly domain: string;
  readonly bridge: string;
  readonly intent: Intent;
  readonly targets: readonly Target[];
  readonly link: Link;
  readonly errands: readonly ErrandPlan[];
}

export interface ErrandPlan {
  readonly family: 'ip' | 'ip6';
  /** Source of its frames, so that they can be told from everybody else's. */
  readonly mac: string;
  readonly aims: Aims;
  readonly decides: boolean;
  /** Outside address that guests are asked from. */
  readonly asker: string;
}

/** One a bridge that is meant to be no plain switch: of those nothing is asked. */
export function outingsFor(targets: readonly Target[], host: HostState): Outing[] {
  const meant = targets.filter(({ intent }) => intent !== 'direct');
  return [...new Set(meant.map(domainOf))].flatMap(domain => {
    const own = meant.filter(target => domainOf(target) === domain);
    const { bridge = '' } = own[0] ?? {};
    const link = host.links.find(({ name }) => name === bridge);
    const intent = own[0]?.intent;
    if (!link || !intent) return [];
    const errands = ([4, 6] as const)
      // A gateway is one in the families that it has an address of; a leak may be of any.
      .filter(family => intent === 'isolated' || hostAddress(link, family) !== null)
      .map((family, i) => {
        const aims = aimsOf(intent, bridge, family, host, nowhere(family));
        return {
          family: family === 4 ? ('ip' as const) : ('ip6' as const),
          mac: ownMac(),
          aims,
          // Behind a NAT of IPv4, many a network has addresses of IPv6 for itself alone.
          decides: intent === 'isolated' || i === 0 || aims.byGateway,
          asker: nowhere(family).host,
        };
      });
    return [{ domain, bridge, intent, targets: own, link, errands }];
  });
}

/** An address that is no link's own business. */
export const hostAddress = ({ addresses }: Link, family: 4 | 6) =>
  addresses.find(address => address.family === family && !isLinkLocal(address.local)) ?? null;

export const isLinkLocal = (address: string) => address.startsWith('fe80:');

export function nowhere(family: 4 | 6): Nowhere {
  const bytes = randomBytes(8);
  const [a = 0, b = 0, c = 0] = bytes;
  if (family === 4) return { host: `198.${18 + (a & 1)}.${b}.${(c % 253) + 1}`, group: `239.255.${b}.${c}` };
  const tail = (bytes.toString('hex').match(/..../g) ?? []).map(word => word.replace(/^0+(?=.)/, ''));
  const six = (text: string) => formatIp(6, parseCidr(`${text}/128`)?.value ?? 0n);
  return { host: six(`2001:2:0:1:${tail.join(':')}`), group: six(`ff15::${tail.join(':')}`) };
}
