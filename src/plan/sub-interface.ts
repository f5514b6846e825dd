import type { HostState, Link } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { subInterfaceAlias, subInterfaceAltname } from '../lab/names.js';
import { subInterfaceOf } from '../lab/vlans.js';
import { byMark, linkNamed, markLines, markOf, ownerOf } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';

// Uplinks written `eth0.10`: VLAN 10 of eth0. Made where they are missing; one that is there is used as it is.

/** Make those that are missing; `links` are these as they will be, for whoever enslaves them. */
export function planSubInterfaces(
  lab: Lab,
  host: HostState,
  problems: PlanProblem[],
): { steps: Step[]; links: Link[] } {
  const links: Link[] = [];
  const steps = lab.bridges.flatMap(({ name: bridge, uplink }) => {
    const sub = uplink === null ? null : subInterfaceOf(uplink);
    if (uplink === null || sub === null || linkNamed(host, uplink)) return [];
    const parent = linkNamed(host, sub.parent);
    if (parent?.type !== 'ether') {
      problems.push(noParent(bridge, uplink, sub.parent, parent));
      return [];
    }
    const altname = subInterfaceAltname(lab.name, uplink);
    links.push(future(uplink, altname, parent));
    return [create(lab.name, uplink, sub.vid, parent)];
  });
  return { steps, links };
}

function create(lab: string, name: string, vid: number, parent: Link): Step {
  const altname = subInterfaceAltname(lab, name);
  return {
    title: `create ${name}, VLAN ${vid} of ${parent.name}`,
    why: 'the lab names it as an uplink and the host has none',
    do: [
      { kind: 'ip', lines: subInterfaceLines(name, vid, parent.name, altname, subInterfaceAlias(lab, name)) },
      ...(parent.up ? [] : [{ kind: 'ip' as const, lines: [`link set dev ${parent.name} up`] }]),
    ],
    undo: [
      { kind: 'delete-links', links: [{ altname, createdAs: name }] },
      ...(parent.up ? [] : [{ kind: 'ip' as const, lines: [`link set dev ${parent.name} down`] }]),
    ],
  };
}

/** Marked at once; down until it is a port, and without an address of its own. */
const subInterfaceLines = (name: string, vid: number, parent: string, altname: string, alias: string) => [
  `link add link ${parent} name ${name} type vlan id ${vid}`,
  ...markLines(name, altname, alias),
  `link set dev ${name} addrgenmode none`,
];

/** As it will be once it is made. */
const future = (name: string, altname: string, parent: Link): Link => ({
  ...parent,
  index: 0,
  name,
  kind: 'vlan',
  up: false,
  master: null,
  portState: null,
  altnames: [altname],
  alias: null,
  bridge: null,
  tap: null,
  addresses: [],
});

/** Marks of those that a lab may have made. */
export const subInterfaceMarks = (lab: Lab): string[] =>
  lab.bridges.flatMap(({ uplink }) =>
    uplink !== null && subInterfaceOf(uplink) ? [subInterfaceAltname(lab.name, uplink)] : [],
  );

/** Delete those that a lab made. */
export function removeSubInterfaces(lab: string, links: readonly Link[], why: string): Step[] {
  return links.map(link => {
    const altname = markOf(link, lab) ?? link.name;
    const sub = subInterfaceOf(link.name);
    return {
      title: `delete ${link.name}`,
      why,
      do: [{ kind: 'delete-links', links: [byMark(altname)] }],
      undo: sub
        ? [
            {
              kind: 'ip',
              lines: subInterfaceLines(link.name, sub.vid, sub.parent, altname, link.alias ?? altname),
            },
          ]
        : [],
    };
  });
}

function noParent(bridge: string, uplink: string, name: string, parent: Link | undefined): PlanProblem {
  const at = `bridges.${bridge}.uplink: ${uplink} would be a VLAN of ${name}`;
  return parent
    ? {
        code: 'bad-lab',
        message: `${at}, which is no Ethernet interface (${ownerOf(parent)})`,
        fix: 'Name a VLAN of the physical interface that leads to your network.',
      }
    : {
        code: 'bad-lab',
        message: `${at}, and this host has no interface ${name}`,
        fix: 'Write the name of the physical interface before the dot; "ip link" lists them.',
      };
}
