import { readEnd, type WrittenEnd } from '../end.js';
import type { RawLab } from '../file.js';
import type { LinkEnd, VethLink } from '../model.js';
import { endAlias, endAltname, endMac, HOST } from '../names.js';
import { normalised } from './address.js';
import type { Taken } from './taken.js';

/** Bytes, where the lab does not say otherwise. */
const DEFAULT_MTU = 1500;

export function buildLink(lab: string, raw: NonNullable<RawLab['links']>[number], taken: Taken): VethLink {
  const [a, b] = raw.endpoints.map(end => buildEnd(lab, readEnd(end), taken));
  if (a === undefined || b === undefined) throw new Error('a link has two ends');
  return { ends: [a, b], mtu: raw.mtu ?? DEFAULT_MTU };
}

const buildEnd = (lab: string, { namespace, name, address, mac }: WrittenEnd, taken: Taken): LinkEnd => ({
  namespace: namespace === HOST ? null : namespace,
  name,
  mac: mac?.toLowerCase() ?? endMac(lab, namespace, name, taken.macs),
  addresses: normalised(address ?? []),
  altname: endAltname(lab, namespace, name),
  alias: endAlias(lab, namespace, name),
});
