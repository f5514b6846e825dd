import type { HostState, Link } from '../host/model.js';
import type { Lab, Tun } from '../lab/model.js';
import { linkNamed, marked, markLines, ownerOf, removal } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';

/** Create what is missing, mend what differs; all lines of all tuns become one batch. */
export function planTuns(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  const former = currentRecord(lab.name, host)?.lab.tuns ?? [];
  return lab.tuns.flatMap(tun => {
    const wanted = wantedOf(tun, host, problems);
    if (wanted === null) return [];
    const ours = marked(host, tun.altname);
    if (ours)
      return mend(
        wanted,
        ours,
        former.find(({ name }) => name === tun.name),
      );
    const foreign = linkNamed(host, tun.name);
    if (!foreign) return [create(wanted)];
    problems.push({
      code: 'conflict',
      message: `the tun ${tun.name} cannot be made: an interface of that name exists, and ${ownerOf(foreign)}`,
      fix: `Give the tun another name in the lab file${removal(foreign)}.`,
    });
    return [];
  });
}

/** A user or group, by number, and as people and `ip` call it. */
interface Account {
  readonly id: number;
  readonly name: string;
}

interface Wanted {
  readonly tun: Tun;
  readonly owner: Account | null;
  readonly group: Account | null;
}

/** null where the host does not know who shall have it. */
function wantedOf(tun: Tun, host: HostState, problems: PlanProblem[]): Wanted | null {
  const find = (key: 'owner' | 'group'): Account | null | undefined => {
    const text = tun[key];
    if (text === null) return null;
    const known = host.accounts?.[key === 'owner' ? 'users' : 'groups'].find(({ asked }) => asked === text);
    if (known) return known;
    // A number needs no account: that of a container's user has none here.
    if (/^\d+$/.test(text)) return { id: Number(text), name: text };
    const kind = key === 'owner' ? 'user' : 'group';
    problems.push({
      code: 'bad-lab',
      message: `tuns.${tun.name}.${key}: this host has no ${kind} ${text}`,
      fix: `Make it (${kind}add --system ${text}), or name another; getent ${kind === 'user' ? 'passwd' : 'group'} lists them.`,
    });
    return undefined;
  };
  const [owner, group] = [find('owner'), find('group')];
  return owner === undefined || group === undefined ? null : { tun, owner, group };
}

const holders = ({ owner, group }: Wanted) =>
  [...(owner ? [`user ${owner.name}`] : []), ...(group ? [`group ${group.name}`] : [])].join(' and ');

function create(wanted: Wanted): Step {
  const { name, altname } = wanted.tun;
  return {
    title: `create tun ${name} for ${holders(wanted)}`,
    why: 'the lab names it and the host has none',
    do: [{ kind: 'ip', lines: linesOf(wanted) }],
    undo: [{ kind: 'delete-links', links: [{ altname, createdAs: name }] }],
  };
}

interface Settings {
  readonly name: string;
  readonly owner: string | null;
  readonly group: string | null;
  readonly multiQueue: boolean;
  readonly altname: string;
  readonly alias: string;
  readonly mtu: number;
  readonly up: boolean;
  /** What follows `address add`. */
  readonly addresses: readonly string[];
}

const linesOf = ({ tun, owner, group }: Wanted): string[] =>
  tunLines({
    ...tun,
    owner: owner && String(owner.id),
    group: group && String(group.id),
    up: true,
    addresses: tun.addresses.map(cidr => addressWords(cidr, tun.peer)),
  });

const tunLines = (tun: Settings): string[] => [
  [
    `tuntap add dev ${tun.name} mode tun`,
    ...(tun.owner === null ? [] : [`user ${tun.owner}`]),
    ...(tun.group === null ? [] : [`group ${tun.group}`]),
    ...(tun.multiQueue ? ['multi_queue'] : []),
  ].join(' '),
  ...markLines(tun.name, tun.altname, tun.alias),
  `link set dev ${tun.name} mtu ${tun.mtu} addrgenmode none`,
  ...(tun.up ? [`link set dev ${tun.name} up`] : []),
  ...tun.addresses.map(words => `address add ${words} dev ${tun.name}`),
];

const isSix = (text: string) => text.includes(':');

/** A peer goes with the address of its family, which has the longest prefix then. */
const addressWords = (cidr: string, peer: string | null) =>
  peer !== null && isSix(peer) === isSix(cidr)
    ? `${cidr.replace(/\/.*/, '')} peer ${peer}/${isSix(peer) ? 128 : 32}`
    : cidr;

const observedWords = ({ addresses }: Link): string[] =>
  addresses
    .filter(({ scope }) => scope !== 'link')
    .map(({ local, prefix, peer }) =>
      peer === null ? `${local}/${prefix}` : `${local} peer ${peer}/${prefix}`,
    );

/** Lines that make a tun again as it was observed; a program that had it open opens it again. */
export const sameTunAgain = (link: Link, altname: string): string[] =>
  tunLines({
    ...link,
    owner: link.tun?.owner ?? null,
    group: link.tun?.group ?? null,
    multiQueue: link.tun?.multiQueue ?? false,
    altname,
    alias: link.alias ?? altname,
    addresses: observedWords(link),
  });

const isSame = (observed: string | null, wanted: Account | null) =>
  wanted === null ? observed === null : observed === wanted.name || observed === String(wanted.id);

/** Settings of a tun of ours that are not as the lab wants them. */
function mend(wanted: Wanted, link: Link, former: Tun | undefined): Step[] {
  const { tun, owner, group } = wanted;
  const whose = (name: string | null | undefined) => name ?? 'nobody in particular';
  const fixed = !link.tun
    ? 'it is no tun'
    : !isSame(link.tun.owner, owner)
      ? `its owner is ${whose(link.tun.owner)}`
      : !isSame(link.tun.group, group)
        ? `its group is ${whose(link.tun.group)}`
        : link.tun.multiQueue !== tun.multiQueue
          ? `it has ${link.tun.multiQueue ? 'several queues' : 'one queue'}`
          : null;
  if (fixed !== null) return [remake(wanted, link, fixed)];
  const change = (title: string, why: string, to: string, from: string): Step => ({
    title,
    why,
    do: [{ kind: 'ip', lines: [`link set dev ${link.name} ${to}`] }],
    undo: [{ kind: 'ip', lines: [`link set dev ${link.name} ${from}`] }],
  });
  return [
    ...(link.mtu === tun.mtu
      ? []
      : [
          change(
            `set MTU of tun ${link.name} to ${tun.mtu}`,
            `it is ${link.mtu}`,
            `mtu ${tun.mtu}`,
            `mtu ${link.mtu}`,
          ),
        ]),
    ...(link.up ? [] : [change(`bring tun ${link.name} up`, 'it is down', 'up', 'down')]),
    ...mendAddresses(wanted, link, former),
  ];
}

/** The lab's are there, and those that it had are not; what else a VPN daemon has put there is its own. */
function mendAddresses({ tun }: Wanted, link: Link, former: Tun | undefined): Step[] {
  const present = observedWords(link);
  const wanted = tun.addresses.map(cidr => addressWords(cidr, tun.peer));
  const had = (former?.addresses ?? []).map(cidr => addressWords(cidr, former?.peer ?? null));
  const gone = present.filter(words => had.includes(words) && !wanted.includes(words));
  const missing = wanted.filter(words => !present.includes(words));
  if (gone.length === 0 && missing.length === 0) return [];
  const at = (verb: string) => (words: string) => `address ${verb} ${words} dev ${link.name}`;
  // Those of one subnet go with the first of it: what stays is put there again.
  const staying = gone.length === 0 ? [] : present.filter(words => !gone.includes(words));
  return [
    {
      title: `give tun ${link.name} the addresses ${tun.addresses.join(', ') || 'none'}`,
      why: [
        ...(missing.length > 0 ? [`it lacks ${missing.join(', ')}`] : []),
        ...(gone.length > 0 ? [`the lab no longer names ${gone.join(', ')}`] : []),
      ].join(', and '),
      do: [{ kind: 'ip', lines: [...gone.map(at('del')), ...[...staying, ...missing].map(at('replace'))] }],
      undo: [{ kind: 'ip', lines: [...missing.map(at('del')), ...[...gone, ...staying].map(at('replace'))] }],
    },
  ];
}

/** Owner, group and kind of queue are given when a tun is made. */
function remake(wanted: Wanted, link: Link, why: string): Step {
  const { altname, name } = wanted.tun;
  return {
    title: `make tun ${link.name} again for ${holders(wanted)}`,
    why: `${why}, and that is given when it is made${link.carrier ? '; the program that has it open loses it' : ''}`,
    do: [
      { kind: 'delete-links', links: [{ altname, createdAs: null }] },
      { kind: 'ip', lines: linesOf(wanted) },
    ],
    undo: [
      { kind: 'delete-links', links: [{ altname, createdAs: name }] },
      { kind: 'ip', lines: sameTunAgain(link, altname) },
    ],
  };
}
