import { ERROR_CODES } from './codes.js';
import {
  VIR_DOMAIN_AFFECT_CONFIG,
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_METADATA_ELEMENT,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_SECURE,
} from './constants.js';
import { describe, describeNetwork, type Listing, versionString } from './describe.js';
import { readInterface } from './interfaces.js';
import type { Affect, Arguments, OperationName, Result } from './protocol.js';
import { flags, freeing, run, type Session, unlessFailed, using, uuidOf, withDomain } from './session.js';
import { stateOf, statesOf } from './states.js';
import type { Handle } from './table.js';

type Operation<K extends OperationName> = (session: Session, ...args: Arguments<K>) => Result<K>;
type OnConnection = Exclude<OperationName, 'connect' | 'close'>;

// Flags, by their names in libvirt's headers.
const VIR_DOMAIN_DEFINE_VALIDATE = 1;
const VIR_DOMAIN_DESTROY_GRACEFUL = 1;
const VIR_DOMAIN_UNDEFINE_NVRAM = 4;
const VIR_DOMAIN_UNDEFINE_KEEP_NVRAM = 8;
const VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT = 1;
const VIR_CONNECT_LIST_DOMAINS_TRANSIENT = 8;
const VIR_CONNECT_LIST_DOMAINS_AUTOSTART = 1024;

/** That a guest agent has for an answer: it does nothing else for it. */
const AGENT_SECONDS = 3;

const affectFlags = ({ live, config }: Affect) =>
  flags([live, VIR_DOMAIN_AFFECT_LIVE], [config, VIR_DOMAIN_AFFECT_CONFIG]);

function domainsWith({ native, conn }: Session, filter: number): Handle<'domain'>[] {
  const domains: Handle<'domain'>[] = [];
  native.virConnectListAllDomains(conn, domains, filter);
  return domains;
}

const uuidsWith = (session: Session, filter: number): ReadonlySet<string> =>
  new Set(
    freeing(domainsWith(session, filter), session.native.virDomainFree, domain =>
      uuidOf(session.native, domain),
    ),
  );

/** All that needs a connection. Handles live no longer than the call: each is freed before it returns. */
export const operations: { readonly [K in OnConnection]: Operation<K> } = {
  versions({ native, conn }) {
    const libvirt: number[] = [];
    const hypervisor: number[] = [];
    native.virConnectGetLibVersion(conn, libvirt);
    native.virConnectGetVersion(conn, hypervisor);
    return {
      libvirt: versionString(libvirt[0]) ?? 'unknown',
      hypervisor: versionString(hypervisor[0]),
      uri: native.virConnectGetURI(conn),
      type: native.virConnectGetType(conn),
    };
  },

  capabilities: ({ native, conn }) => native.virConnectGetCapabilities(conn),

  domainCapabilities: ({ native, conn }, { arch, machine, virttype }) =>
    native.virConnectGetDomainCapabilities(conn, null, arch, machine, virttype, 0),

  listDomains(session, metadataUri, whole) {
    const { native } = session;
    const options: Listing = {
      metadataUri,
      whole: new Set(whole),
      transient: uuidsWith(session, VIR_CONNECT_LIST_DOMAINS_TRANSIENT),
      autostart: uuidsWith(session, VIR_CONNECT_LIST_DOMAINS_AUTOSTART),
      states: statesOf(session),
    };
    return freeing(domainsWith(session, 0), native.virDomainFree, domain =>
      unlessFailed([ERROR_CODES.NO_DOMAIN], () => describe(native, domain, options)),
    );
  },

  lookupDomainByName: ({ native, conn }, name) =>
    unlessFailed([ERROR_CODES.NO_DOMAIN], () =>
      using(native, native.virDomainLookupByName(conn, name), uuidOf),
    ),

  domainXml: (session, uuid, { inactive, secure }) =>
    withDomain(session, uuid, (native, domain) =>
      native.virDomainGetXMLDesc(
        domain,
        flags([secure, VIR_DOMAIN_XML_SECURE], [inactive, VIR_DOMAIN_XML_INACTIVE]),
      ),
    ),

  defineDomain: ({ native, conn }, xml, { validate }) =>
    using(
      native,
      native.virDomainDefineXMLFlags(conn, xml, flags([validate, VIR_DOMAIN_DEFINE_VALIDATE])),
      uuidOf,
    ),

  undefine(session, uuid, { nvram }) {
    const keep = nvram === false;
    const how = flags([nvram, VIR_DOMAIN_UNDEFINE_NVRAM], [keep, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM]);
    withDomain(session, uuid, (native, domain) => native.virDomainUndefineFlags(domain, how));
  },

  create: (session, uuid) => run(session, uuid, (native, domain) => native.virDomainCreate(domain)),

  destroy: (session, uuid, { graceful }) =>
    run(session, uuid, (native, domain) =>
      native.virDomainDestroyFlags(domain, flags([graceful, VIR_DOMAIN_DESTROY_GRACEFUL])),
    ),

  shutdown: (session, uuid) => run(session, uuid, (native, domain) => native.virDomainShutdown(domain)),

  state: (session, uuid) => withDomain(session, uuid, stateOf),

  attachDevice: (session, uuid, xml, affect) =>
    run(session, uuid, (native, domain) =>
      native.virDomainAttachDeviceFlags(domain, xml, affectFlags(affect)),
    ),

  detachDevice: (session, uuid, xml, affect) =>
    run(session, uuid, (native, domain) =>
      native.virDomainDetachDeviceFlags(domain, xml, affectFlags(affect)),
    ),

  updateDevice: (session, uuid, xml, affect) =>
    run(session, uuid, (native, domain) =>
      native.virDomainUpdateDeviceFlags(domain, xml, affectFlags(affect)),
    ),

  setMetadata: (session, uuid, { uri, key, xml }, affect) =>
    run(session, uuid, (native, domain) =>
      native.virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, xml, key, uri, affectFlags(affect)),
    ),

  setAutostart: (session, uuid, on) =>
    run(session, uuid, (native, domain) => native.virDomainSetAutostart(domain, on ? 1 : 0)),

  pingAgent: (session, uuid) =>
    run(session, uuid, (native, domain) =>
      native.virDomainQemuAgentCommand(domain, '{"execute":"guest-ping"}', AGENT_SECONDS, 0),
    ),
  agentInterfaces: (session, uuid) =>
    withDomain(session, uuid, (native, domain) => {
      const interfaces: Handle<'interface'>[] = [];
      native.virDomainInterfaceAddresses(domain, interfaces, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, 0);
      return freeing(interfaces, native.virDomainInterfaceFree, readInterface);
    }),

  listNetworks({ native, conn }) {
    const networks: Handle<'network'>[] = [];
    native.virConnectListAllNetworks(conn, networks, 0);
    return freeing(networks, native.virNetworkFree, network =>
      unlessFailed([ERROR_CODES.NO_NETWORK], () => describeNetwork(native, network)),
    );
  },

  networkXml({ native, conn }, name) {
    const network = native.virNetworkLookupByName(conn, name);
    try {
      return native.virNetworkGetXMLDesc(network, 0);
    } finally {
      native.virNetworkFree(network);
    }
  },
};
