import { attributeOf, firstNamed } from '../lab/xml/model.js';
import { scanXml } from '../lab/xml/scan.js';

/**
 * Whether a domain's UEFI variables are in a file that somebody named for it: undefining it leaves that alone. Those that
 * libvirt makes by itself are named for the domain, and ours are in the state folder.
 */
export function keepsNvram(domain: string, xml: string | null, stateDir: string): boolean {
  const scanned = xml === null || !xml.includes('<nvram') ? null : scanXml(xml);
  if (xml === null || scanned === null || 'fault' in scanned) return false;
  const nvram = firstNamed(firstNamed(scanned.root, 'os'), 'nvram');
  if (nvram === undefined) return false;
  const text = xml.slice(nvram.inner, nvram.innerEnd).trim();
  const file = attributeOf(firstNamed(nvram, 'source'), 'file') ?? (nvram.children.length === 0 ? text : '');
  const name = file.split('/').at(-1) ?? '';
  return file !== '' && !name.startsWith(`${domain}_VARS.`) && !file.startsWith(`${stateDir}/`);
}
