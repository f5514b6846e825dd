import type { HostState, Link } from '../host/model.js';
import { printable } from '../lab/quote.js';
import { shortList } from '../lab/short-list.js';
import { type Lent, lentOf } from './holders.js';
import { byMark, markOf } from './links.js';
import type { Action, Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { queuesAgain } from './queues.js';
import { sameAgain } from './tap.js';
import { sameTunAgain } from './tun.js';
import { portVlans } from './vlans.js';

export interface RemoveOptions {
  readonly why: string;
  /** Delete taps that guests of others have open; null where nobody can ask for that. */
  readonly force: boolean | null;
}

/** One step for all taps, and one for all tuns: they go in one group deletion. */
export function removeTaps(
  links: readonly Link[],
  lab: string,
  host: HostState,
  { why, force }: RemoveOptions,
  problems: PlanProblem[],
): Step[] {
  const taps = links.filter(link => !link.tun);
  const tuns = links.filter(link => link.tun);
  const lent = lentOf(taps, lab, host);
  if (!force) problems.push(...lent.map(it => inUse(it, force)));
  const lost =
    lent.length > 0
      ? `; --force cuts off ${shortList([...new Set(lent.map(({ domain }) => printable(domain)))])}`
      : '';
  const more = [...portVlans(host, taps), ...queuesAgain(taps, lab, host)];
  return [
    ...removeAll('tap', taps, sameAgain, more, lab, `${why}${lost}`),
    ...removeAll('tun', tuns, sameTunAgain, [], lab, why),
  ];
}

const inUse = ({ tap, domain }: Lent, force: boolean | null): PlanProblem => ({
  code: 'conflict',
  message: `the tap ${tap} is in use by the domain ${printable(domain)}, which is none of the lab's, and would lose its network`,
  fix: `Shut that guest down first (virsh shutdown ${printable(domain)})${force === null ? '' : ', or repeat the command with --force, which cuts it off'}.`,
});

function removeAll(
  what: string,
  taps: readonly Link[],
  again: (link: Link, altname: string) => string[],
  more: readonly Action[],
  lab: string,
  why: string,
): Step[] {
  if (taps.length === 0) return [];
  const shown = shortList(taps.map(tap => tap.name));
  return [
    {
      title: `delete ${taps.length === 1 ? what : `${taps.length} ${what}s`} ${shown}`,
      why,
      do: [{ kind: 'delete-links', links: taps.map(tap => byMark(markOf(tap, lab) ?? tap.name)) }],
      undo: [{ kind: 'ip', lines: taps.flatMap(tap => again(tap, markOf(tap, lab) ?? tap.name)) }, ...more],
    },
  ];
}
