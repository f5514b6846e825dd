import { type CallOptions, Pool, type PoolTrace } from './pool.js';
import type {
  Affect,
  CapabilitiesQuery,
  DomainEntry,
  DomainState,
  GuestInterface,
  MetadataElement,
  NetworkEntry,
  Versions,
  XmlOptions,
} from './protocol.js';

export interface OpenOptions {
  /** Connections at most, each a thread; 2 by default. */
  workers?: number;
  /** Milliseconds that one call may take; 30000 by default. */
  deadlineMs?: number;
  /** Told of every call when it has ended. */
  trace?: PoolTrace;
}

/**
 * A libvirt daemon. Domains are named by UUID: a name can be taken over by another domain between two calls.
 *
 * Every call rejects with a LibvirtError if libvirt refuses it, and with a VmnetError of code `timeout` if it gives no
 * answer. Calls run side by side, in any order; await one to have it before the next.
 */
export class Hypervisor {
  readonly uri: string;
  readonly #pool: Pool;

  private constructor(uri: string, pool: Pool) {
    this.uri = uri;
    this.#pool = pool;
  }

  /** Connects. Rejects with a LibvirtError whose hint names the fix, or code `missing-tool` if libvirt.so.0 is not there. */
  static async open(uri: string, options: OpenOptions & CallOptions = {}): Promise<Hypervisor> {
    const { workers = 2, deadlineMs = 30_000, signal, trace = () => {} } = options;
    const pool = new Pool(uri, workers, deadlineMs, trace);
    try {
      await pool.call(`connect to libvirt at ${uri}`, 'connect', [], signal ? { signal } : {});
    } catch (error) {
      void pool.close();
      throw error;
    }
    return new Hypervisor(uri, pool);
  }

  /** Lets calls in progress end and disconnects; later calls reject. Twice is no error. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  /** libvirt may start QEMU to learn its version: slow on a host whose KVM is broken. */
  versions(call?: CallOptions): Promise<Versions> {
    return this.#pool.call('read the versions', 'versions', [], call);
  }

  /** The host's capabilities, as XML. */
  capabilities(call?: CallOptions): Promise<string> {
    return this.#pool.call("read the host's capabilities", 'capabilities', [], call);
  }

  /** What a domain of this kind can have, as XML; null or absent is libvirt's default. */
  domainCapabilities(query: Partial<CapabilitiesQuery> = {}, call?: CallOptions): Promise<string> {
    const { arch = null, machine = null, virttype = null } = query;
    const what = `read the capabilities of ${[arch, machine, virttype].filter(Boolean).join(' ') || 'domains'}`;
    return this.#pool.call(what, 'domainCapabilities', [{ arch, machine, virttype }], call);
  }

  /**
   * All domains, running or not, with the metadata element of that URI; without a URI `metadata` is null.
   * @param whole names or UUIDs of domains whose XML is wanted as well, all in the same round trip
   */
  listDomains(
    { metadataUri = null, whole = [] }: { metadataUri?: string | null; whole?: readonly string[] } = {},
    call?: CallOptions,
  ): Promise<DomainEntry[]> {
    return this.#pool.call('list the domains', 'listDomains', [metadataUri, whole], call);
  }

  /** Its UUID, or null if there is no such domain. */
  lookupDomainByName(name: string, call?: CallOptions): Promise<string | null> {
    return this.#pool.call(`look up domain ${name}`, 'lookupDomainByName', [name], call);
  }

  domainXml(uuid: string, options: XmlOptions = {}, call?: CallOptions): Promise<string> {
    return this.#pool.call(
      `read the XML of domain ${call?.name ?? uuid}`,
      'domainXml',
      [uuid, options],
      call,
    );
  }

  /** Its UUID. A domain of the same name and UUID is redefined. `validate` holds the XML against libvirt's schema first. */
  defineDomain(xml: string, options: { validate?: boolean } = {}, call?: CallOptions): Promise<string> {
    return this.#pool.call(`define domain ${nameIn(xml)}`, 'defineDomain', [xml, options], call);
  }

  /** A running domain becomes transient. `nvram`: true deletes its UEFI variables, false keeps them; libvirt wants one if there are any. */
  undefine(uuid: string, options: { nvram?: boolean } = {}, call?: CallOptions): Promise<void> {
    return this.#pool.call(`undefine domain ${call?.name ?? uuid}`, 'undefine', [uuid, options], call);
  }

  /** Starts a defined domain. */
  create(uuid: string, call?: CallOptions): Promise<void> {
    return this.#pool.call(`start domain ${call?.name ?? uuid}`, 'create', [uuid], call);
  }

  /** Pulls the plug. `graceful` only asks QEMU to end, and fails if it does not. */
  destroy(uuid: string, options: { graceful?: boolean } = {}, call?: CallOptions): Promise<void> {
    return this.#pool.call(`stop domain ${call?.name ?? uuid}`, 'destroy', [uuid, options], call);
  }

  /** Asks the guest to shut down, and does not wait for it. */
  shutdown(uuid: string, call?: CallOptions): Promise<void> {
    return this.#pool.call(`shut down domain ${call?.name ?? uuid}`, 'shutdown', [uuid], call);
  }

  state(uuid: string, call?: CallOptions): Promise<DomainState> {
    return this.#pool.call(`read the state of domain ${call?.name ?? uuid}`, 'state', [uuid], call);
  }

  attachDevice(uuid: string, xml: string, affect: Affect = {}, call?: CallOptions): Promise<void> {
    return this.#pool.call(
      `attach a device to domain ${call?.name ?? uuid}`,
      'attachDevice',
      [uuid, xml, affect],
      call,
    );
  }

  /** Live, the guest has to let go of it: it may still be there when this resolves. */
  detachDevice(uuid: string, xml: string, affect: Affect = {}, call?: CallOptions): Promise<void> {
    return this.#pool.call(
      `detach a device from domain ${call?.name ?? uuid}`,
      'detachDevice',
      [uuid, xml, affect],
      call,
    );
  }

  updateDevice(uuid: string, xml: string, affect: Affect = {}, call?: CallOptions): Promise<void> {
    return this.#pool.call(
      `change a device of domain ${call?.name ?? uuid}`,
      'updateDevice',
      [uuid, xml, affect],
      call,
    );
  }

  /** Exchange, or add, one element of a domain's metadata. */
  setMetadata(
    uuid: string,
    element: MetadataElement,
    affect: Affect = {},
    call?: CallOptions,
  ): Promise<void> {
    return this.#pool.call(`mark domain ${call?.name ?? uuid}`, 'setMetadata', [uuid, element, affect], call);
  }

  setAutostart(uuid: string, on: boolean, call?: CallOptions): Promise<void> {
    return this.#pool.call(`set autostart of domain ${call?.name ?? uuid}`, 'setAutostart', [uuid, on], call);
  }

  /** Rejects where no QEMU guest agent answers, within a few seconds. */
  pingAgent(uuid: string, call?: CallOptions): Promise<void> {
    return this.#pool.call(`ping the guest agent of domain ${call?.name ?? uuid}`, 'pingAgent', [uuid], call);
  }

  /**
   * What QEMU's agent in the guest tells of its network interfaces. Rejects where no agent is connected; one that hangs is
   * given up by libvirt after 5 s, or by an earlier deadline.
   */
  agentInterfaces(uuid: string, call?: CallOptions): Promise<GuestInterface[]> {
    const what = `ask the agent in domain ${call?.name ?? uuid} for its addresses`;
    return this.#pool.call(what, 'agentInterfaces', [uuid], call);
  }

  /** libvirt's virtual networks, active or not. */
  listNetworks(call?: CallOptions): Promise<NetworkEntry[]> {
    return this.#pool.call('list the networks', 'listNetworks', [], call);
  }

  networkXml(name: string, call?: CallOptions): Promise<string> {
    return this.#pool.call(`read the XML of network ${name}`, 'networkXml', [name], call);
  }
}

/** For messages only; libvirt does the parsing. */
const nameIn = (xml: string): string =>
  /<name>([^<]{1,100})<\/name>/.exec(xml)?.[1]?.trim() ?? 'without a name';
