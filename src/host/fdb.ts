import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import type { Lab } from '../lab/model.js';
import { string, strings } from './json.js';
import type { Learned, Link } from './model.js';

/** What bridges have learned on which NICs of the lab are to be put: one process, and none where no NIC is missing. */
export async function learnedFor(
  lab: Lab | null,
  links: readonly Link[],
  drivers: Drivers,
): Promise<Learned[]> {
  const wanted = bridgesLackingNics(lab, links);
  if (wanted.size === 0) return [];
  return parseFdb(await drivers.ip.fdb()).filter(({ bridge }) => wanted.has(bridge));
}

/** Names of bridges that are there, for which the lab has a NIC without a tap. */
function bridgesLackingNics(lab: Lab | null, links: readonly Link[]): Set<string> {
  if (lab === null) return new Set();
  const marks = new Set(links.flatMap(link => link.altnames));
  const lacking = new Set(
    [...lab.vms, ...lab.namespaces].flatMap(({ nics }) =>
      nics.flatMap(nic => (marks.has(nic.altname) ? [] : nic.bridge)),
    ),
  );
  const present = lab.bridges.flatMap(({ name, altname, permanent }) =>
    lacking.has(name)
      ? links.filter(link => (permanent ? link.name === name : link.altnames.includes(altname)))
      : [],
  );
  return new Set(present.map(link => link.name));
}

/** Entries that were learned, of `bridge -j fdb show`: the kernel's and the administrator's own have a `state`. */
export const parseFdb = (entries: readonly IpJson[]): Learned[] =>
  entries.flatMap(entry => {
    const [mac, bridge, port] = [string(entry.mac), string(entry.master), string(entry.ifname)];
    const own = ['permanent', 'static'].includes(string(entry.state) ?? '');
    return mac && bridge && port && !own && !strings(entry.flags).includes('self')
      ? [{ mac, bridge, port }]
      : [];
  });
