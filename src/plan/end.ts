import type { Link } from '../host/model.js';
import { addressAdd } from './bridge-addresses.js';
import type { Step } from './model.js';
import { type End, endLines, linesAt } from './veth.js';

/** Set up an end that was just made in a namespace that was there before; undone with the pair. */
export const endStep = (end: End, title: string): Step => ({
  title: `set up ${end.name} in ${end.place} (${title})`,
  why: 'it is new',
  do: [linesAt(end.place, endLines(end))],
  undo: [],
});

/** Addresses that the lab gave it when it was last applied, and does not any more; others are the user's own. */
export const goneAddresses = (end: End, link: Link, former: readonly string[]): string[] =>
  former.filter(
    cidr =>
      !end.cidrs.includes(cidr) && link.addresses.some(({ local, prefix }) => `${local}/${prefix}` === cidr),
  );

/**
 * Settings of an end of ours that are not as the lab wants them.
 * @param gone addresses that it is to lose
 */
export function mendEnd(end: End, link: Link, gone: readonly string[]): Step[] {
  const steps: Step[] = [];
  const where = end.place === null ? link.name : `${link.name} in ${end.place}`;
  const change = (what: string, why: string, to: string, from: string) =>
    steps.push({
      title: `${what} of ${where}`,
      why,
      do: [linesAt(end.place, [`link set dev ${link.name} ${to}`])],
      undo: [linesAt(end.place, [`link set dev ${link.name} ${from}`])],
    });
  if (link.mac !== end.mac)
    change('set MAC', `it is ${link.mac}`, `address ${end.mac}`, `address ${link.mac}`);
  if (link.mtu !== end.mtu)
    change(`set MTU ${end.mtu}`, `it is ${link.mtu}`, `mtu ${end.mtu}`, `mtu ${link.mtu}`);
  if (link.master !== end.master)
    change(
      end.master === null ? 'take away the bridge' : `set bridge ${end.master}`,
      link.master === null ? 'it is a port of no bridge' : `it is a port of ${link.master}`,
      end.master === null ? 'nomaster' : `master ${end.master}`,
      link.master === null ? 'nomaster' : `master ${link.master}`,
    );
  const present = new Set(link.addresses.map(({ local, prefix }) => `${local}/${prefix}`));
  if (gone.length > 0) steps.push(removal(end, link, gone, where));
  for (const cidr of end.cidrs.filter(it => !present.has(it)))
    steps.push({
      title: `add address ${cidr} to ${where}`,
      why: 'the lab gives it',
      do: [linesAt(end.place, [addressAdd(cidr, link.name)])],
      undo: [linesAt(end.place, [`address del ${cidr} dev ${link.name}`])],
    });
  if (!link.up) change('set up', 'it is down', 'up', 'down');
  return steps;
}

/** The kernel drops an IPv4 address together with its primary, so those that stay are said again. */
function removal(end: End, link: Link, gone: readonly string[], where: string): Step {
  const present = link.addresses.flatMap(({ local, prefix, scope }) =>
    scope === 'link' ? [] : [`${local}/${prefix}`],
  );
  const again = (cidr: string) => `address replace ${cidr} dev ${link.name}`;
  return {
    title: `remove ${gone.length === 1 ? 'address' : 'addresses'} ${gone.join(', ')} from ${where}`,
    why: 'the lab no longer has it',
    do: [
      linesAt(end.place, [
        ...gone.map(cidr => `address del ${cidr} dev ${link.name}`),
        ...present.filter(cidr => !gone.includes(cidr)).map(again),
      ]),
    ],
    undo: [linesAt(end.place, present.map(again))],
  };
}
