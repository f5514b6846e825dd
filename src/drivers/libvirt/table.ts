/** Each kind of argument or result: its type in libvirt's headers, and as koffi is told. */
export const KINDS = {
  void: { c: 'void', koffi: 'void' },
  conn: { c: 'virConnectPtr', koffi: 'virConnectPtr' },
  domain: { c: 'virDomainPtr', koffi: 'virDomainPtr' },
  network: { c: 'virNetworkPtr', koffi: 'virNetworkPtr' },
  interface: { c: 'virDomainInterfacePtr', koffi: 'virDomainInterfacePtr' },
  error: { c: 'virErrorPtr', koffi: 'virErrorPtr' },
  /** A result below 0 is a failure. */
  int: { c: 'int', koffi: 'int' },
  uint: { c: 'unsigned int', koffi: 'uint' },
  str: { c: 'const char *', koffi: 'str' },
  /** As str, or NULL. */
  'str?': { c: 'const char *', koffi: 'str' },
  /** Ours to free, unlike str: koffi does, once it has copied it. */
  text: { c: 'char *', koffi: 'virHeapString' },
  /** A buffer for the 36 characters of a UUID and the NUL. */
  uuid: { c: 'char *', koffi: '_Out_ uint8_t *' },
  'int*': { c: 'int *', koffi: '_Out_ int *' },
  'ulong*': { c: 'unsigned long *', koffi: '_Out_ ulong *' },
  domains: { c: 'virDomainPtr **', koffi: '_Out_ void **' },
  networks: { c: 'virNetworkPtr **', koffi: '_Out_ void **' },
  interfaces: { c: 'virDomainInterfacePtr **', koffi: '_Out_ void **' },
  /** A list that is freed as a whole. */
  'stats*': { c: 'virDomainStatsRecordPtr **', koffi: '_Out_ void **' },
  stats: { c: 'virDomainStatsRecordPtr *', koffi: 'void *' },
  null: { c: 'void *', koffi: 'void *' },
  handler: { c: 'virErrorFunc', koffi: 'void *' },
} as const;

export type Kind = keyof typeof KINDS;

/** Every libvirt function in use: its result's kind, then its arguments'. A test holds it against libvirt's own description. */
export const FUNCTIONS = {
  virInitialize: ['int'],
  virGetLastError: ['error'],
  virSetErrorFunc: ['void', 'null', 'handler'],
  virConnectOpen: ['conn', 'str'],
  virConnectClose: ['int', 'conn'],
  virConnectIsAlive: ['int', 'conn'],
  virConnectGetURI: ['text', 'conn'],
  virConnectGetType: ['str', 'conn'],
  virConnectGetVersion: ['int', 'conn', 'ulong*'],
  virConnectGetLibVersion: ['int', 'conn', 'ulong*'],
  virConnectGetCapabilities: ['text', 'conn'],
  virConnectGetDomainCapabilities: ['text', 'conn', 'str?', 'str?', 'str?', 'str?', 'uint'],
  virConnectListAllDomains: ['int', 'conn', 'domains', 'uint'],
  virConnectListAllNetworks: ['int', 'conn', 'networks', 'uint'],
  virConnectGetAllDomainStats: ['int', 'conn', 'uint', 'stats*', 'uint'],
  virDomainStatsRecordListFree: ['void', 'stats'],
  virDomainFree: ['int', 'domain'],
  virDomainLookupByName: ['domain', 'conn', 'str'],
  virDomainLookupByUUIDString: ['domain', 'conn', 'str'],
  virDomainGetName: ['str', 'domain'],
  virDomainGetUUIDString: ['int', 'domain', 'uuid'],
  virDomainGetID: ['uint', 'domain'],
  virDomainGetState: ['int', 'domain', 'int*', 'int*', 'uint'],
  virDomainSetAutostart: ['int', 'domain', 'int'],
  virDomainSetMetadata: ['int', 'domain', 'int', 'str?', 'str?', 'str?', 'uint'],
  virDomainGetMetadata: ['text', 'domain', 'int', 'str?', 'uint'],
  virDomainGetXMLDesc: ['text', 'domain', 'uint'],
  virDomainDefineXMLFlags: ['domain', 'conn', 'str', 'uint'],
  virDomainUndefineFlags: ['int', 'domain', 'uint'],
  virDomainCreate: ['int', 'domain'],
  virDomainDestroyFlags: ['int', 'domain', 'uint'],
  virDomainShutdown: ['int', 'domain'],
  virDomainAttachDeviceFlags: ['int', 'domain', 'str', 'uint'],
  virDomainDetachDeviceFlags: ['int', 'domain', 'str', 'uint'],
  virDomainUpdateDeviceFlags: ['int', 'domain', 'str', 'uint'],
  virDomainInterfaceAddresses: ['int', 'domain', 'interfaces', 'uint', 'uint'],
  virDomainInterfaceFree: ['void', 'interface'],
  virNetworkFree: ['int', 'network'],
  virNetworkLookupByName: ['network', 'conn', 'str'],
  virNetworkGetName: ['str', 'network'],
  virNetworkIsActive: ['int', 'network'],
  virNetworkGetBridgeName: ['text', 'network'],
  virNetworkGetXMLDesc: ['text', 'network', 'uint'],
} as const satisfies Record<string, readonly [Kind, ...Kind[]]>;

/** The same of libvirt-qemu.so.0, which is loaded by the first call of one. */
export const QEMU_FUNCTIONS = {
  virDomainQemuAgentCommand: ['text', 'domain', 'str', 'int', 'uint'],
} as const satisfies Record<string, readonly [Kind, ...Kind[]]>;

type AllFunctions = typeof FUNCTIONS & typeof QEMU_FUNCTIONS;
export type FunctionName = keyof AllFunctions;
export type HandleKind = 'conn' | 'domain' | 'network' | 'interface';

/** A pointer that knows what it points to. koffi's own are bare numbers, which it would pass as anything. */
export class Handle<K extends HandleKind> {
  constructor(
    readonly kind: K,
    /** Null once freed. */
    public address: bigint | null,
  ) {}
}

interface Types {
  void: undefined;
  conn: Handle<'conn'>;
  domain: Handle<'domain'>;
  network: Handle<'network'>;
  interface: Handle<'interface'>;
  error: bigint | null;
  int: number;
  uint: number;
  str: string;
  'str?': string | null;
  text: string;
  uuid: Uint8Array;
  'int*': number[];
  'ulong*': number[];
  domains: Handle<'domain'>[];
  networks: Handle<'network'>[];
  interfaces: Handle<'interface'>[];
  'stats*': (bigint | null)[];
  stats: bigint;
  null: null;
  handler: bigint;
}

type Signature<S> = S extends readonly [infer R extends Kind, ...infer A extends Kind[]]
  ? (...args: { [I in keyof A]: Types[A[I]] }) => Types[R]
  : never;

/** The functions of libvirt, each checking its arguments, and throwing a NativeError where libvirt reports a failure. */
export type Native = { readonly [N in FunctionName]: Signature<AllFunctions[N]> };
