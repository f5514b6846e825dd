import type { HostState, LabRecord, Link, Owner, UplinkBefore } from '../host/model.js';
import type { Bridge } from '../lab/model.js';
import { isMarkOf } from '../lab/names.js';
import type { LinkRef } from './model.js';

/** The link that bears this mark. */
export const marked = (host: HostState, altname: string): Link | undefined =>
  host.links.find(link => link.altnames.includes(altname));

export const linkNamed = (host: HostState, name: string): Link | undefined =>
  host.links.find(link => link.name === name);

/** The bridge's link: by our mark, or by name where it is permanent, and so bears none. */
export const linkOf = (bridge: Bridge, host: HostState): Link | undefined =>
  bridge.permanent ? linkNamed(host, bridge.name) : marked(host, bridge.altname);

/** What the bridge is called now; an owner may have renamed it. */
export const bridgeName = (bridge: Bridge, host: HostState) => linkOf(bridge, host)?.name ?? bridge.name;

/** Every link that a lab made. */
export const linksOf = (host: HostState, lab: string): Link[] =>
  host.links.filter(link => markOf(link, lab) !== undefined);

/** The altname by which a link belongs to a lab. */
export const markOf = (link: Link, lab: string): string | undefined =>
  link.altnames.find(altname => isMarkOf(lab, altname));

/** A link to delete, found by its mark alone. */
export const byMark = (altname: string): LinkRef => ({ altname, createdAs: null });

/** Whose a link is, for people: `lab homelab` or `not made by vmnet`. */
export function ownerOf(link: Link): string {
  const lab = labOf(link);
  return lab ? `it belongs to the lab ${lab}` : 'it was not made by vmnet';
}

/** How to get rid of a link that is in the way; nothing is said of a bridge, which may carry the host's addresses. */
export function removal(link: Link): string {
  const lab = labOf(link);
  if (lab) return `, or destroy that lab: vmnet destroy ${lab}`;
  return link.kind === 'bridge' ? '' : `, or remove the old one: ip link del dev ${link.name}`;
}

/** The labs that a link belongs to, each with its mark; a bridge may belong to several. */
export const marksOf = (link: Link): { lab: string; altname: string }[] =>
  link.altnames
    .filter(altname => altname.startsWith('vmnet.'))
    .map(altname => ({ altname, lab: altname.split('.')[1] ?? '' }));

/** What is known of an interface; it may be named `toString`, which every object has. */
const own = <T>(known: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(known, name) ? known[name] : undefined;

/** Who manages an uplink. */
export const managersOfUplink = (host: HostState, name: string): readonly Owner[] =>
  own(host.owners, name) ?? [];

/** How an uplink was before the lab took it, if it did. */
export const takenUplink = (record: LabRecord | undefined, name: string): UplinkBefore | undefined =>
  record && own(record.uplinks, name);

/** The lab that made a link, if any. */
export const labOf = (link: Link): string | undefined => marksOf(link)[0]?.lab;

/** Lines that mark a link as ours. */
export const markLines = (name: string, altname: string, alias: string): string[] => [
  `link property add dev ${name} altname ${altname}`,
  `link set dev ${name} alias ${alias}`,
];
