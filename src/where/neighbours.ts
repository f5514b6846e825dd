import type { IpJson } from '../drivers/iproute2.js';
import { string, strings } from '../host/json.js';
import type { Held } from './leases.js';

/** States in which an entry of the neighbour table names nobody. */
const NOBODY = ['FAILED', 'INCOMPLETE', 'NONE', 'NOARP'];

/** Of `ip -j neigh show`: who was met on which device. */
export const parseNeighbours = (entries: readonly IpJson[]): (Held & { readonly dev: string })[] =>
  entries.flatMap(entry => {
    const [address, dev, mac] = [string(entry.dst), string(entry.dev), string(entry.lladdr)];
    return address && dev && mac && !strings(entry.state).some(state => NOBODY.includes(state))
      ? [{ address, dev, mac }]
      : [];
  });
