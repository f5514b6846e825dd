import type { HostState, Link } from '../host/model.js';
import type { Bridge } from '../lab/model.js';
import { removeAddresses, staticCidrs } from './bridge-addresses.js';
import { markLines, marksOf } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';

// A bridge that several labs use bears a mark of each; the last one out takes it down.

/** The other labs that have their mark on a link. */
export const otherLabs = (link: Link, lab: string): string[] =>
  marksOf(link)
    .map(mark => mark.lab)
    .filter(name => name !== lab);

/** What the other labs wrote down about a bridge that they share with this one. */
const theirs = (link: Link, lab: string, host: HostState): { lab: string; bridge: Bridge }[] =>
  otherLabs(link, lab).flatMap(name =>
    (currentRecord(name, host)?.lab.bridges ?? [])
      .filter(({ altname }) => link.altnames.includes(altname))
      .map(bridge => ({ lab: name, bridge })),
  );

/** Put a lab's mark on the bridge of another. */
export const join = (bridge: Bridge, link: Link, lab: string): Step => ({
  title: `share bridge ${link.name} with ${otherLabs(link, lab).join(', ')}`,
  why: 'it is there already, as the lab wants it',
  do: [{ kind: 'ip', lines: [`link property add dev ${link.name} altname ${bridge.altname}`] }],
  undo: [{ kind: 'ip', lines: [`link property del dev ${link.name} altname ${bridge.altname}`] }],
});

/** Take a lab's mark, and the addresses that only it wanted, off a bridge that others go on using. */
export function leave(link: Link, lab: string, host: HostState): Step[] {
  const others = theirs(link, lab, host);
  const mine = currentRecord(lab, host)?.lab.bridges.find(({ altname }) => link.altnames.includes(altname));
  const given = mine ? staticCidrs(mine) : [];
  const present = link.addresses.map(({ local, prefix }) => `${local}/${prefix}`);
  const altname = marksOf(link).find(mark => mark.lab === lab)?.altname ?? link.name;
  // The alias is for people: it names whoever is left.
  const heir = link.alias === mine?.alias ? others[0]?.bridge.alias : undefined;
  const step: Step = {
    title: `leave bridge ${link.name} to ${otherLabs(link, lab).join(', ')}`,
    why: 'another lab uses it',
    do: [
      {
        kind: 'ip',
        lines: [
          ...(heir === undefined ? [] : [`link set dev ${link.name} alias ${heir}`]),
          `link property del dev ${link.name} altname ${altname}`,
        ],
      },
    ],
    undo: [{ kind: 'ip', lines: markLines(link.name, altname, link.alias ?? altname) }],
  };
  const wanted = others.flatMap(({ bridge }) => staticCidrs(bridge));
  const ours = present.filter(cidr => given.includes(cidr));
  return [...removeAddresses(ours, wanted, link.name), step];
}

/** Two labs on one bridge have one uplink. */
export function uplinkClash(
  bridge: Bridge,
  link: Link,
  lab: string,
  host: HostState,
): PlanProblem | undefined {
  const other = theirs(link, lab, host).find(({ bridge: { uplink } }) => uplink !== bridge.uplink);
  if (other === undefined) return undefined;
  const words = (uplink: string | null) => (uplink === null ? 'no uplink' : `the uplink ${uplink}`);
  return {
    code: 'conflict',
    message: `bridges.${bridge.name} is shared with the lab ${other.lab}, where it has ${words(other.bridge.uplink)}; here it has ${words(bridge.uplink)}`,
    fix: `Give both labs the same uplink, or this bridge another name.`,
  };
}

/** Two labs on one bridge mean the same by it: the stricter one would decide for both. */
export function modeClash(bridge: Bridge, link: Link, lab: string, host: HostState): PlanProblem | undefined {
  const other = theirs(link, lab, host).find(({ bridge: { mode } }) => mode !== bridge.mode);
  if (other === undefined || uplinkClash(bridge, link, lab, host)) return undefined;
  return {
    code: 'conflict',
    message: `bridges.${bridge.name} is shared with the lab ${other.lab}, where it has mode "${other.bridge.mode}"; here it has "${bridge.mode}"`,
    fix: `Give both labs the same "mode", or this bridge another name.`,
  };
}

/** A bridge of another lab that is not as this one wants it. */
export const settingsClash = (
  bridge: Bridge,
  link: Link,
  lab: string,
  changes: readonly Step[],
): PlanProblem => ({
  code: 'conflict',
  message: `bridges.${bridge.name} would be shared with the lab ${otherLabs(link, lab).join(', ')}, but is not as this lab wants it: ${changes.map(step => `${step.title}, ${step.why}`).join('; ')}`,
  fix: `Give ${bridge.name} the same settings in both labs, or another name in this one.`,
});
