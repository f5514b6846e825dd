import type { Drivers } from '../drivers/drivers.js';
import { MARK_NAMESPACE } from '../lab/names.js';
import type { DomainMark, DomainState, LibvirtState } from './model.js';

/** What libvirt holds, in one round trip for all domains. */
export async function observeLibvirt(drivers: Drivers): Promise<LibvirtState> {
  const libvirt = await drivers.libvirt();
  const domains = await libvirt.listDomains({ metadataUri: MARK_NAMESPACE });
  return { uri: drivers.connection.uri, domains: domains.map(parseDomain) };
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
    xml: domain.xml,
    nics: domain.nics,
    ...(domain.autostart ? { autostart: true as const } : {}),
  };
}

/** Our mark, `<vmnet:endpoint lab="…" vm="…" digest="…"/>`; the names in it need no unescaping. */
export function parseMark(metadata: string | null): DomainMark | null {
  const attribute = (name: string) => new RegExp(`\\b${name}=['"]([\\w-]+)['"]`).exec(metadata ?? '')?.[1];
  const [lab, vm, digest] = [attribute('lab'), attribute('vm'), attribute('digest')];
  return lab && vm && digest ? { lab, vm, digest } : null;
}
