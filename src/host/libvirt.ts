import type { Drivers } from '../drivers/drivers.js';
import { MARK_NAMESPACE } from '../lab/names.js';
import { nicMarksIn } from '../lab/nic-marks.js';
import type { DomainMark, DomainState, ExistingDomain, LibvirtState } from './model.js';

/**
 * What libvirt holds, in one round trip for all domains.
 * @param existing names or UUIDs of domains that are not ours and are looked at as a whole, with what the lab calls each
 * @param meanwhile called while libvirt works on its answer
 */
export async function observeLibvirt(
  drivers: Drivers,
  existing: ReadonlyMap<string, string> = new Map(),
  meanwhile: () => void = () => {},
): Promise<LibvirtState> {
  const libvirt = await drivers.libvirt();
  const answer = libvirt.listDomains({ metadataUri: MARK_NAMESPACE, whole: [...existing.keys()] });
  meanwhile();
  const domains = await answer;
  return {
    uri: drivers.connection.uri,
    domains: domains.map(parseDomain),
    ...(existing.size > 0 ? { existing: domains.flatMap(it => wholeOf(it, domains, existing)) } : {}),
  };
}

/** One that was renamed goes by its UUID, unless another has its name by now. */
function wholeOf(
  { name, uuid, persistent, xml, liveXml }: Listed,
  all: readonly Listed[],
  existing: ReadonlyMap<string, string>,
): ExistingDomain[] {
  const known = existing.get(uuid);
  const asked = existing.get(name) ?? known;
  if (asked === undefined) return [];
  const isReplaced = !existing.has(name) && all.some(other => other.name === known);
  return [{ asked: isReplaced ? name : asked, name, uuid, xml: persistent ? xml : null, liveXml }];
}

/** libvirt's VIR_DOMAIN_SHUTOFF_CRASHED. */
const SHUTOFF_CRASHED = 3;

type Listed = Awaited<ReturnType<Awaited<ReturnType<Drivers['libvirt']>>['listDomains']>>[number];

function parseDomain(domain: Listed): DomainState {
  return {
    name: domain.name,
    uuid: domain.uuid,
    // A QEMU that died is shut off for libvirt.
    state: domain.state === 'shutoff' && domain.reason === SHUTOFF_CRASHED ? 'crashed' : domain.state,
    mark: parseMark(domain.metadata),
    liveMark: parseMark(domain.liveMetadata),
    xml: domain.metadata === null ? null : domain.xml,
    liveXml: domain.metadata === null ? null : domain.liveXml,
    nics: domain.nics,
    ...(domain.autostart ? { autostart: true as const } : {}),
  };
}

/** Our mark, `<vmnet:endpoint lab="…" vm="…" digest="…"/>`; the names in it need no unescaping. */
export function parseMark(metadata: string | null): DomainMark | null {
  const attribute = (name: string) => new RegExp(`\\b${name}=['"]([\\w-]+)['"]`).exec(metadata ?? '')?.[1];
  const [lab, vm, digest] = [attribute('lab'), attribute('vm'), attribute('digest')];
  if (!lab || !vm || !digest) return null;
  const [rest, nics] = [attribute('rest'), nicMarksIn(metadata ?? '')];
  return { lab, vm, digest, ...(rest && nics ? { rest, nics } : {}) };
}
