import { ERROR_CODES } from './codes.js';
import { nicsIn } from './nics.js';
import { DOMAIN_STATES, type DomainEntry, type DomainState, type NetworkEntry } from './protocol.js';
import { unlessFailed } from './session.js';
import type { Handle, Native } from './table.js';

const VIR_DOMAIN_AFFECT_LIVE = 1;
const VIR_DOMAIN_AFFECT_CONFIG = 2;
const VIR_DOMAIN_METADATA_ELEMENT = 2;
const VIR_DOMAIN_XML_SECURE = 1;
const VIR_DOMAIN_XML_INACTIVE = 2;

/** virDomainGetID of a domain that does not run: (unsigned int) -1. */
const NO_ID = 0xffffffff;

const UUID_LENGTH = 36;

/** libvirt's 1000000 * major + 1000 * minor + release; null for 0, which is "unknown". */
export function versionString(version: number | undefined): string | null {
  if (!version) return null;
  return [Math.floor(version / 1_000_000), Math.floor(version / 1000) % 1000, version % 1000].join('.');
}

export function uuidOf(native: Native, domain: Handle<'domain'>): string {
  const buffer = Buffer.alloc(UUID_LENGTH + 1);
  native.virDomainGetUUIDString(domain, buffer);
  return buffer.toString('latin1', 0, UUID_LENGTH);
}

export function stateOf(native: Native, domain: Handle<'domain'>): DomainState {
  const state: number[] = [];
  const reason: number[] = [];
  native.virDomainGetState(domain, state, reason, 0);
  return { state: DOMAIN_STATES[state[0] ?? 0] ?? 'nostate', reason: reason[0] ?? 0 };
}

/** What is asked of all domains at once. */
export interface Listing {
  readonly metadataUri: string | null;
  /** Names or UUIDs of those whose XML is wanted. */
  readonly whole: ReadonlySet<string>;
  /** UUIDs of those without a definition. */
  readonly transient: ReadonlySet<string>;
  /** UUIDs of those that start with the host. */
  readonly autostart: ReadonlySet<string>;
}

/** Name, UUID and id are in the handle; state, mark and XML are one round trip each to the daemon. */
export function describe(
  native: Native,
  domain: Handle<'domain'>,
  { metadataUri, whole, transient, autostart }: Listing,
): DomainEntry {
  const id = native.virDomainGetID(domain);
  const name = native.virDomainGetName(domain);
  const uuid = uuidOf(native, domain);
  const persistent = !transient.has(uuid);
  const running = id !== NO_ID;
  const isWhole = whole.has(name) || whole.has(uuid);
  return {
    name,
    uuid,
    id: running ? id : null,
    ...stateOf(native, domain),
    persistent,
    autostart: autostart.has(uuid),
    ...marks(native, domain, metadataUri, persistent, running),
    ...(isWhole ? { xml: xmlOf(native, domain, VIR_DOMAIN_XML_INACTIVE) } : {}),
    ...(isWhole && running ? { liveXml: xmlOf(native, domain, 0) } : {}),
  };
}

const xmlOf = (native: Native, domain: Handle<'domain'>, flags: number) =>
  native.virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE | flags);

function marks(
  native: Native,
  domain: Handle<'domain'>,
  uri: string | null,
  persistent: boolean,
  running: boolean,
): Pick<DomainEntry, 'metadata' | 'liveMetadata' | 'xml' | 'liveXml' | 'nics'> {
  if (uri === null) return { metadata: null, liveMetadata: null, xml: null, liveXml: null, nics: [] };
  const read = (affect: number) =>
    unlessFailed([ERROR_CODES.NO_DOMAIN_METADATA, ERROR_CODES.OPERATION_INVALID], () =>
      native.virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, uri, affect),
    );
  const liveMetadata = running ? read(VIR_DOMAIN_AFFECT_LIVE) : null;
  const metadata = persistent ? read(VIR_DOMAIN_AFFECT_CONFIG) : liveMetadata;
  const xml = metadata === null ? null : xmlOf(native, domain, VIR_DOMAIN_XML_INACTIVE);
  const isChanged = metadata !== null && liveMetadata !== null && liveMetadata !== metadata;
  const liveXml = isChanged ? xmlOf(native, domain, 0) : null;
  // Whole definitions stay in this thread, but for our own.
  const nics = nicsIn(xml ?? native.virDomainGetXMLDesc(domain, 0));
  return { metadata, liveMetadata, xml, liveXml, nics };
}

export function describeNetwork(native: Native, network: Handle<'network'>): NetworkEntry {
  return {
    name: native.virNetworkGetName(network),
    active: native.virNetworkIsActive(network) === 1,
    // "network 'x' does not have a bridge name"
    bridge: unlessFailed([ERROR_CODES.INTERNAL_ERROR], () => native.virNetworkGetBridgeName(network)),
  };
}
