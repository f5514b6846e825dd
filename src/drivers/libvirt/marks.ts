import { ERROR_CODES } from './codes.js';
import {
  VIR_DOMAIN_AFFECT_CONFIG,
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_METADATA_ELEMENT,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_SECURE,
} from './constants.js';
import { metadataIn } from './metadata.js';
import { nicsIn } from './nics.js';
import type { DomainEntry } from './protocol.js';
import { unlessFailed } from './session.js';
import type { Handle, Native } from './table.js';

type Marks = Pick<DomainEntry, 'metadata' | 'liveMetadata' | 'xml' | 'liveXml' | 'nics'>;

const NO_MARKS: Marks = { metadata: null, liveMetadata: null, xml: null, liveXml: null, nics: [] };

/** What a domain says of itself, mostly by its XML alone. Whole definitions stay in this thread, but for our own. */
export function marksOf(
  native: Native,
  domain: Handle<'domain'>,
  uri: string | null,
  { persistent, running }: { readonly persistent: boolean; readonly running: boolean },
): Marks {
  if (uri === null) return NO_MARKS;
  const look = running ? (persistent ? runningMarks : transientMarks) : shutoffMarks;
  return look(native, domain, uri);
}

/** Whoever it belongs to. */
export const wholeXml = (
  native: Native,
  domain: Handle<'domain'>,
  running: boolean,
): Pick<DomainEntry, 'xml'> & Partial<Pick<DomainEntry, 'liveXml'>> => ({
  xml: xmlOf(native, domain, VIR_DOMAIN_XML_INACTIVE),
  ...(running ? { liveXml: xmlOf(native, domain, 0) } : {}),
});

const xmlOf = (native: Native, domain: Handle<'domain'>, flags: number) =>
  native.virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE | flags);

function shutoffMarks(native: Native, domain: Handle<'domain'>, uri: string): Marks {
  const open = unlessFailed([ERROR_CODES.ACCESS_DENIED, ERROR_CODES.OPERATION_DENIED], () =>
    xmlOf(native, domain, VIR_DOMAIN_XML_INACTIVE),
  );
  // Who may not read passwords may still look at the domains of others.
  const text = open ?? native.virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
  const metadata = markIn(text, native, domain, uri, VIR_DOMAIN_AFFECT_CONFIG);
  const xml = metadata === null ? null : (open ?? xmlOf(native, domain, VIR_DOMAIN_XML_INACTIVE));
  return { ...NO_MARKS, metadata, xml, nics: nicsIn(text) };
}

function runningMarks(native: Native, domain: Handle<'domain'>, uri: string): Marks {
  const live = native.virDomainGetXMLDesc(domain, 0);
  const liveMetadata = markIn(live, native, domain, uri, VIR_DOMAIN_AFFECT_LIVE);
  if (liveMetadata === null && readMark(native, domain, uri, VIR_DOMAIN_AFFECT_CONFIG) === null)
    return { ...NO_MARKS, nics: nicsIn(live) };
  const xml = xmlOf(native, domain, VIR_DOMAIN_XML_INACTIVE);
  const metadata = markIn(xml, native, domain, uri, VIR_DOMAIN_AFFECT_CONFIG);
  if (metadata === null) return { ...NO_MARKS, liveMetadata, nics: nicsIn(live) };
  const isChanged = liveMetadata !== null && liveMetadata !== metadata;
  return {
    metadata,
    liveMetadata,
    xml,
    liveXml: isChanged ? xmlOf(native, domain, 0) : null,
    nics: nicsIn(xml),
  };
}

/** There is no other definition than what runs. */
function transientMarks(native: Native, domain: Handle<'domain'>, uri: string): Marks {
  const live = native.virDomainGetXMLDesc(domain, 0);
  const metadata = markIn(live, native, domain, uri, VIR_DOMAIN_AFFECT_LIVE);
  const xml = metadata === null ? null : xmlOf(native, domain, VIR_DOMAIN_XML_INACTIVE);
  return { metadata, liveMetadata: metadata, xml, liveXml: null, nics: nicsIn(xml ?? live) };
}

/** From the XML where that tells it: libvirt has to be asked for what it does not. */
function markIn(
  xml: string,
  native: Native,
  domain: Handle<'domain'>,
  uri: string,
  affect: number,
): string | null {
  const found = metadataIn(xml, uri);
  return found === undefined ? readMark(native, domain, uri, affect) : found;
}

const readMark = (native: Native, domain: Handle<'domain'>, uri: string, affect: number): string | null =>
  unlessFailed([ERROR_CODES.NO_DOMAIN_METADATA, ERROR_CODES.OPERATION_INVALID], () =>
    native.virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, uri, affect),
  );
