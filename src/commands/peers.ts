import type { HostState, Link } from '../host/model.js';
import type { Lab, NamespaceNic, VethLink } from '../lab/model.js';
import { HOST } from '../lab/names.js';
import { markedIn, namespaceNamed, otherEnd, type Place } from '../plan/place.js';

/** The other end of a link of the host or of a namespace, as it was seen. */
export interface Peer {
  /** Name below /run/netns; null for the host itself. */
  readonly netns: string | null;
  readonly interface: string;
  readonly index: number;
}

/** Which end belongs to which: by the index of the other end, and the id of the namespace that it is in. */
export function peerOf(host: HostState, place: Place, link: Link | undefined): Peer | null {
  const other = link && otherEnd(host, { place, link });
  return other ? { netns: other.place, interface: other.link.name, index: other.link.index } : null;
}

export const peerText = (peer: Peer | null) =>
  peer === null ? '-' : `${peer.interface} in ${peer.netns ?? 'the host'}`;

/** Packets that a link received and sent, by place and name. */
export type Frames = (place: Place, name: string) => { readonly received: number; readonly sent: number };

export const namespacesStatus = (lab: Lab, host: HostState, frames: Frames) =>
  lab.namespaces.map(({ name, netns, altname, nics }) => {
    const state = namespaceNamed(host, netns);
    const up = state?.mark === altname;
    return {
      lab: lab.name,
      name,
      netns,
      state: up ? 'up' : state ? 'not ours' : 'missing',
      pids: state?.pids ?? [],
      nics: nics.map(nic => nicStatus(nic, netns, host, frames)),
    };
  });

export type NamespaceStatus = ReturnType<typeof namespacesStatus>[number];

function nicStatus(nic: NamespaceNic, netns: string, host: HostState, frames: Frames) {
  const port = markedIn(host, null, nic.altname);
  const inner = markedIn(host, netns, nic.altname);
  return {
    interface: inner?.name ?? nic.name,
    tap: port?.name ?? nic.tap,
    mac: nic.mac,
    bridge: port?.master ?? nic.bridge,
    addresses: nic.addresses,
    present: port !== undefined,
    peer: peerOf(host, null, port),
    ...frames(null, port?.name ?? ''),
  };
}

export const linksStatus = (lab: Lab, host: HostState) =>
  lab.links.map(({ ends, mtu }: VethLink) => ({
    lab: lab.name,
    mtu,
    ends: ends.map(({ namespace, name, altname, mac, addresses }) => {
      const place = lab.namespaces.find(it => it.name === namespace)?.netns ?? null;
      const link = markedIn(host, place, altname);
      return {
        namespace: namespace ?? HOST,
        netns: place,
        interface: link?.name ?? name,
        ...{ mac, addresses },
        present: link !== undefined,
        up: link?.up ?? false,
        carrier: link?.carrier ?? false,
        peer: peerOf(host, place, link),
      };
    }),
  }));

export type LinkStatus = ReturnType<typeof linksStatus>[number];
