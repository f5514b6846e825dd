import type { Link } from '../host/model.js';
import { parseCidr } from '../lab/cidr.js';
import type { Bridge } from '../lab/model.js';
import type { Step } from './model.js';

// The addresses that a lab gives its bridges.

/** Those that the lab itself states, or that were chosen for it. */
export const staticCidrs = ({ address }: Bridge): readonly string[] =>
  address.mode === 'static' || address.mode === 'auto' ? address.cidrs : [];

export const addressAdd = (cidr: string, dev: string) =>
  `address add ${cidr} dev ${dev}${cidr.includes(':') ? ' nodad' : ''}`;

/** Static addresses that the lab had and has no more, or has and the bridge lacks; others are the user's own and stay. */
export function addressSteps(bridge: Bridge, link: Link, former: readonly string[]): Step[] {
  const present = link.addresses.map(address => `${address.local}/${address.prefix}`);
  const wanted = staticCidrs(bridge);
  const added = wanted
    .filter(cidr => !present.includes(cidr))
    .map(
      (cidr): Step => ({
        title: `add address ${cidr} to bridge ${link.name}`,
        why: 'the lab names it and the bridge lacks it',
        do: [{ kind: 'ip', lines: [addressAdd(cidr, link.name)] }],
        undo: [{ kind: 'ip', lines: [addressDel(cidr, link.name)] }],
      }),
    );
  const ours = present.filter(cidr => former.includes(cidr));
  return [...removeAddresses(ours, wanted, link.name), ...added];
}

/**
 * Before any is added, the last one first: the kernel drops an IPv4 address together with its primary, so those that
 * stay are added again, too.
 * @param ours addresses that the lab gave the bridge, in the order of the dump
 */
export function removeAddresses(ours: readonly string[], wanted: readonly string[], name: string): Step[] {
  const gone = ours.filter(cidr => !wanted.includes(cidr));
  const kept = ours.filter(cidr => wanted.includes(cidr));
  if (gone.length === 0) return [];
  const del = (cidr: string) => addressDel(cidr, name);
  const dragged = kept.filter(cidr => isFour(cidr) && gone.some(other => sameSubnet(cidr, other)));
  const relaid = sinceGone(ours, gone);
  return [
    {
      title: `remove ${gone.length === 1 ? 'address' : 'addresses'} ${gone.join(', ')} from bridge ${name}`,
      why: `the lab no longer names ${gone.length === 1 ? 'it' : 'them'}`,
      do: [
        {
          kind: 'ip',
          lines: [
            ...gone.toReversed().map(del),
            ...dragged.map(cidr => `address replace ${cidr} dev ${name}`),
          ],
        },
      ],
      undo: [
        {
          kind: 'ip',
          lines: [...relaid.toReversed().map(del), ...addressLines(relaid, name)],
        },
      ],
    },
  ];
}

/** Those that were added after one that goes, and these: an undo adds them again, to have all in their old order. */
function sinceGone(ours: readonly string[], gone: readonly string[]): string[] {
  const four = ours.filter(isFour);
  const six = ours.filter(cidr => !isFour(cidr));
  const isGone = (cidr: string) => gone.includes(cidr);
  const first = four.findIndex(isGone);
  return [...(first === -1 ? [] : four.slice(first)), ...six.slice(0, six.findLastIndex(isGone) + 1)];
}

const addressDel = (cidr: string, dev: string) => `address del ${cidr} dev ${dev}`;

const isFour = (cidr: string) => !cidr.includes(':');

/** To have the order of the dump again: the kernel appends IPv4 addresses, but puts an IPv6 one before its like. */
export const addressLines = (dumped: readonly string[], dev: string): string[] =>
  inOrder(dumped).map(cidr => addressAdd(cidr, dev));

/** Addresses as dumped, in the order to add them in. */
export const inOrder = (dumped: readonly string[]): string[] => [
  ...dumped.filter(isFour),
  ...dumped.filter(cidr => !isFour(cidr)).reverse(),
];

const sameSubnet = (a: string, b: string) => {
  const [one, two] = [parseCidr(a), parseCidr(b)];
  return one?.prefix === two?.prefix && one?.network === two?.network;
};
