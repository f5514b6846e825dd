import { ERROR_CODES } from './codes.js';
import { marksOf, wholeXml } from './marks.js';
import type { DomainEntry, DomainState, NetworkEntry } from './protocol.js';
import { unlessFailed, uuidOf } from './session.js';
import { stateOf } from './states.js';
import type { Handle, Native } from './table.js';

/** virDomainGetID of a domain that does not run: (unsigned int) -1. */
const NO_ID = 0xffffffff;

/** libvirt's 1000000 * major + 1000 * minor + release; null for 0, which is "unknown". */
export function versionString(version: number | undefined): string | null {
  if (!version) return null;
  return [Math.floor(version / 1_000_000), Math.floor(version / 1000) % 1000, version % 1000].join('.');
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
  /** By UUID, as far as they were told at once. */
  readonly states: ReadonlyMap<string, DomainState>;
}

/** Name, UUID and id are in the handle; a round trip to the daemon is its XML, one more that of what runs. */
export function describe(
  native: Native,
  domain: Handle<'domain'>,
  { metadataUri, whole, transient, autostart, states }: Listing,
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
    ...(states.get(uuid) ?? stateOf(native, domain)),
    persistent,
    autostart: autostart.has(uuid),
    ...marksOf(native, domain, metadataUri, { persistent, running }),
    ...(isWhole ? wholeXml(native, domain, running) : {}),
  };
}

export function describeNetwork(native: Native, network: Handle<'network'>): NetworkEntry {
  return {
    name: native.virNetworkGetName(network),
    active: native.virNetworkIsActive(network) === 1,
    // "network 'x' does not have a bridge name"
    bridge: unlessFailed([ERROR_CODES.INTERNAL_ERROR], () => native.virNetworkGetBridgeName(network)),
  };
}
