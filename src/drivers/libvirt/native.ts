import koffi, { type LibraryHandle } from 'koffi';
import { checkArguments } from './arguments.js';
import { ERROR_CODES } from './codes.js';
import { declareInterfaces } from './interfaces.js';
import type { NativeFailure } from './protocol.js';
import { declareStats } from './stats.js';
import {
  FUNCTIONS,
  Handle,
  type HandleKind,
  KINDS,
  type Kind,
  type Native,
  QEMU_FUNCTIONS,
} from './table.js';

const MiB = 1024 * 1024;

/** What virGetLastError said on this thread, right after the failing call. */
export class NativeError extends Error implements NativeFailure {
  readonly code: number;
  readonly domain: number;
  readonly level: number;
  readonly errno: number | null;

  constructor({ code, domain, level, errno, message }: NativeFailure) {
    super(message);
    this.code = code;
    this.domain = domain;
    this.level = level;
    this.errno = errno;
  }
}

/** libvirt.so.0 cannot be loaded; the message is the dynamic linker's. */
export class LibraryError extends Error {}

/** Loads libvirt into this thread. Call it once in each: koffi's types and settings are per thread. */
export function openNative(): Native {
  // libvirt's parsers and the TLS library under it want more stack than koffi's default of 2 MiB.
  koffi.config({ sync_stack_size: 8 * MiB });
  const library = load('libvirt.so.0');
  declareTypes();
  const lastError = (): NativeError => readError(native.virGetLastError());
  const all = [
    ...Object.entries(FUNCTIONS).map(([name, kinds]) => [name, bind(library, name, kinds, lastError)]),
    ...Object.entries(QEMU_FUNCTIONS).map(([name, kinds]) => [
      name,
      late(() => bind(load('libvirt-qemu.so.0'), name, kinds, lastError)),
    ]),
  ];
  const native = Object.fromEntries(all) as unknown as Native;
  native.virInitialize();
  // By default libvirt prints every error to stderr. labs only reads its argument, and unlike a JavaScript
  // callback it may be called on any thread of libvirt's.
  native.virSetErrorFunc(null, koffi.load(null).symbol('labs'));
  return native;
}

function late(make: () => Foreign): Foreign {
  let made: Foreign | undefined;
  return (...args) => {
    made ??= make();
    return made(...args);
  };
}

function load(name: string): LibraryHandle {
  try {
    return koffi.load(name);
  } catch (error) {
    throw new LibraryError(error instanceof Error ? error.message : String(error));
  }
}

/** Named, all of them: koffi has mixed up anonymous types of the same shape. */
function declareTypes(): void {
  for (const name of ['virConnect', 'virDomain', 'virNetwork', 'virDomainInterface'])
    koffi.pointer(`${name}Ptr`, koffi.opaque(name));
  koffi.disposable('virHeapString', 'str');
  koffi.struct('virError', {
    code: 'int',
    domain: 'int',
    message: 'str',
    level: 'int',
    conn: 'void *',
    dom: 'void *',
    str1: 'void *',
    str2: 'void *',
    str3: 'void *',
    int1: 'int',
    int2: 'int',
    net: 'void *',
  });
  koffi.pointer('virErrorPtr', 'virError');
  declareInterfaces();
  declareStats();
}

type Foreign = (...args: unknown[]) => unknown;

function bind(
  library: LibraryHandle,
  name: string,
  [resultKind, ...argumentKinds]: readonly [Kind, ...Kind[]],
  lastError: () => NativeError,
): Foreign {
  const parameters = argumentKinds.map(kind => KINDS[kind].koffi).join(', ');
  const foreign = library.func(`${KINDS[resultKind].koffi} ${name}(${parameters})`);
  return (...args) => {
    checkArguments(name, argumentKinds, args);
    const raw: unknown = foreign(...args.map((arg, index) => toForeign(argumentKinds[index], arg)));
    if (failed(resultKind, raw)) throw lastError();
    for (const [index, kind] of argumentKinds.entries()) fromOut(kind, args[index], raw);
    if (FREEING.has(name) && args[0] instanceof Handle) args[0].address = null;
    return fromForeign(resultKind, raw);
  };
}

/** Functions after which their first argument points to nothing. */
const FREEING: ReadonlySet<string> = new Set([
  'virConnectClose',
  'virDomainFree',
  'virNetworkFree',
  'virDomainInterfaceFree',
]);

function failed(kind: Kind, raw: unknown): boolean {
  if (kind === 'int') return (raw as number) < 0;
  return raw === null && kind !== 'error';
}

function readError(pointer: bigint | null): NativeError {
  if (pointer === null) {
    return new NativeError({ code: -1, domain: 0, level: 2, errno: null, message: 'libvirt gave no reason' });
  }
  const { code, domain, level, message, int1 } = koffi.decode(pointer, 'virError');
  // Of a failed system call, and only of that, int1 is the errno.
  const errno = code === ERROR_CODES.SYSTEM_ERROR && int1 > 0 ? int1 : null;
  return new NativeError({ code, domain, level, errno, message: message ?? 'libvirt gave no reason' });
}

function toForeign(kind: Kind | undefined, arg: unknown): unknown {
  if (arg instanceof Handle) return arg.address;
  // An out parameter is an array of one, empty for our callers.
  if (Array.isArray(arg)) arg.push(kind !== undefined && isPointerKind(kind) ? null : 0);
  return arg;
}

function fromForeign(kind: Kind, raw: unknown): unknown {
  return isHandleKind(kind) ? new Handle(kind, raw as bigint) : raw;
}

const isHandleKind = (kind: Kind): kind is HandleKind =>
  kind === 'conn' || kind === 'domain' || kind === 'network' || kind === 'interface';

/** What the members of a list are. */
const MEMBERS = { domains: 'domain', networks: 'network', interfaces: 'interface' } as const;

const isPointerKind = (kind: Kind) => isListKind(kind) || kind === 'stats*';

const isListKind = (kind: Kind): kind is keyof typeof MEMBERS => kind in MEMBERS;

/** Turns what koffi left in an out array into what the table promises; `count` is the function's result. */
function fromOut(kind: Kind, arg: unknown, count: unknown): void {
  if (!Array.isArray(arg)) return;
  // koffi gives 64-bit values as a number or a bigint, by their size.
  if (kind === 'ulong*') arg[0] = Number(arg[0]);
  if (isListKind(kind)) takeList(arg, MEMBERS[kind], count as number);
}

function takeList(arg: unknown[], kind: HandleKind, count: number): void {
  const list = arg.pop() as bigint | null;
  if (list === null) return;
  const addresses = count > 0 ? (koffi.decode(list, 'void *', count) as bigint[]) : [];
  koffi.free(list);
  for (const address of addresses) arg.push(new Handle(kind, address));
}
