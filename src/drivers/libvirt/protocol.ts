/** States of a domain, at the index that is libvirt's number for each (virDomainState). */
export const DOMAIN_STATES = [
  'nostate',
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
] as const;

export type DomainStateName = (typeof DOMAIN_STATES)[number];

/** A domain's state; `reason` is libvirt's number within that state (virDomainRunningReason and its kin). */
export interface DomainState {
  state: DomainStateName;
  reason: number;
}

export interface DomainEntry extends DomainState {
  name: string;
  uuid: string;
  /** Of a domain that runs, else null. */
  id: number | null;
  persistent: boolean;
  autostart: boolean;
  /**
   * The element under `<metadata>` with the URI asked for, as XML: of the configuration if the domain is persistent,
   * else of the running domain; null if there is none. libvirt drops the prefix, and writes what is not ASCII as
   * character references.
   */
  metadata: string | null;
  /** The same of the running domain, as it was when it started unless changed live; null if it does not run. */
  liveMetadata: string | null;
  /**
   * The configuration with its passwords, fit to be defined again; only where `metadata` is there or the whole was asked
   * for, else null.
   */
  xml: string | null;
  /** What runs, likewise; of ours only where its metadata differ from those of the configuration. Else null. */
  liveXml: string | null;
  /** Its network interfaces, of the running domain if it runs; [] where no metadata was asked for. */
  nics: DomainNic[];
}

export interface DomainNic {
  /** Six lower-case hex bytes with colons. */
  mac: string;
  /** Name of the host's device; null where libvirt chooses one at the start. */
  target: string | null;
}

/** A network interface as the guest itself tells of it: nothing of that is checked. */
export interface GuestInterface {
  name: string;
  /** null for one without a link layer. */
  mac: string | null;
  /** IP addresses without prefix. */
  addresses: string[];
}

export interface NetworkEntry {
  name: string;
  active: boolean;
  /** The bridge it stands on; null if it has none (macvtap networks, for one). */
  bridge: string | null;
}

export interface Versions {
  /** The daemon's, as in '9.0.0'. */
  libvirt: string;
  /** The hypervisor's, as in '7.2.0'; null if the driver does not know. */
  hypervisor: string | null;
  /** As libvirt resolved it. */
  uri: string;
  /** The driver's name, as in 'QEMU'. */
  type: string;
}

/** What null leaves to libvirt: its default. */
export interface CapabilitiesQuery {
  arch: string | null;
  machine: string | null;
  virttype: string | null;
}

export interface XmlOptions {
  /** The configuration of the next start instead of the one that runs. */
  inactive?: boolean;
  /** Passwords included. */
  secure?: boolean;
}

/** Neither: the running domain if it runs, else its configuration. */
export interface Affect {
  live?: boolean;
  config?: boolean;
}

/** An element under `<metadata>`: the one with this URI is exchanged, or added. */
export interface MetadataElement {
  uri: string;
  /** Its prefix. */
  key: string;
  /** Without namespace and prefix. */
  xml: string;
}

/** Everything a worker can be asked for. Each is one transaction, and arguments and results are plain data. */
export interface Operations {
  connect(): void;
  close(): void;
  versions(): Versions;
  capabilities(): string;
  domainCapabilities(query: CapabilitiesQuery): string;
  listDomains(metadataUri: string | null, whole: readonly string[]): DomainEntry[];
  lookupDomainByName(name: string): string | null;
  domainXml(uuid: string, options: XmlOptions): string;
  defineDomain(xml: string, options: { validate?: boolean }): string;
  undefine(uuid: string, options: { nvram?: boolean }): void;
  create(uuid: string): void;
  destroy(uuid: string, options: { graceful?: boolean }): void;
  shutdown(uuid: string): void;
  state(uuid: string): DomainState;
  attachDevice(uuid: string, xml: string, affect: Affect): void;
  detachDevice(uuid: string, xml: string, affect: Affect): void;
  updateDevice(uuid: string, xml: string, affect: Affect): void;
  setMetadata(uuid: string, element: MetadataElement, affect: Affect): void;
  setAutostart(uuid: string, on: boolean): void;
  pingAgent(uuid: string): void;
  agentInterfaces(uuid: string): GuestInterface[];
  listNetworks(): NetworkEntry[];
  networkXml(name: string): string;
}

export type OperationName = keyof Operations;
export type Arguments<K extends OperationName> = Parameters<Operations[K]>;
export type Result<K extends OperationName> = ReturnType<Operations[K]>;

export interface Request<K extends OperationName = OperationName> {
  op: K;
  args: Arguments<K>;
}

/** Why an operation failed, in a form that crosses a thread boundary. */
export type Failure =
  | { kind: 'libvirt'; during: 'connect' | 'call'; error: NativeFailure }
  | { kind: 'no-library'; message: string }
  | { kind: 'bug'; message: string };

/** virError, as much of it as we use. */
export interface NativeFailure {
  /** virErrorNumber; see ERROR_CODES. */
  code: number;
  /** virErrorDomain: the part of libvirt that raised it. */
  domain: number;
  /** virErrorLevel: 1 warning, 2 error. */
  level: number;
  /** The errno behind a SYSTEM_ERROR, else null. */
  errno: number | null;
  message: string;
}

export type Reply = { ok: true; result: unknown } | { ok: false; failure: Failure };

/** What a worker is started with. */
export interface WorkerSetup {
  uri: string;
}
