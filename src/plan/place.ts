import type { HostState, Link, NamespaceState } from '../host/model.js';
import { isMarkOf } from '../lab/names.js';

/** Where a link is: the name of a network namespace, or null for the host. */
export type Place = string | null;

/** A link and where it is. */
export interface Placed {
  readonly place: Place;
  readonly link: Link;
}

export const namespaceNamed = (host: HostState, name: string): NamespaceState | undefined =>
  host.namespaces?.find(namespace => namespace.name === name);

/** The namespaces that a lab made. */
export const namespacesOf = (host: HostState, lab: string): NamespaceState[] =>
  (host.namespaces ?? []).filter(({ mark }) => mark !== null && isMarkOf(lab, mark));

/** All links of a place; none where it is not there. */
export const linksIn = (host: HostState, place: Place): readonly Link[] =>
  place === null ? host.links : (namespaceNamed(host, place)?.links ?? []);

export function markedIn(host: HostState, place: Place, altname: string): Link | undefined {
  return linksIn(host, place).find(link => link.altnames.includes(altname));
}

/** The other end of a veth, wherever it is; undefined where that cannot be seen. */
export function otherEnd(host: HostState, { place, link }: Placed): Placed | undefined {
  if (!link.peer) return undefined;
  const { index, netnsid } = link.peer;
  const there = placeOf(host, place, netnsid);
  if (there === undefined) return undefined;
  const other = linksIn(host, there).find(it => it.index === index);
  return other && { place: there, link: other };
}

function placeOf(host: HostState, place: Place, netnsid: number | null): Place | undefined {
  if (netnsid === null) return place;
  if (place === null) return host.namespaces?.find(({ id }) => id === netnsid)?.name;
  return namespaceNamed(host, place)?.peers[netnsid];
}
