import { parentPort, workerData } from 'node:worker_threads';
import { LibraryError, NativeError, openNative } from './native.js';
import { operations } from './operations.js';
import type { Failure, Reply, Request, WorkerSetup } from './protocol.js';
import type { Session } from './session.js';
import type { Handle, Native } from './table.js';

// One worker is one thread and one connection. libvirt keeps its last error per thread, so a call and the reading
// of its error must share one; and a call that blocks must not block anything else.

const { uri } = workerData as WorkerSetup;
let native: Native | null = null;
let conn: Handle<'conn'> | null = null;

/** Connecting failed; told apart because its errors have other causes than those of a call. */
class ConnectError extends Error {
  constructor(override readonly cause: NativeError) {
    super(cause.message);
  }
}

function session(): Session {
  native ??= openNative();
  if (conn !== null && !isAlive(native, conn)) disconnect();
  conn ??= connect(native);
  return { native, conn };
}

function connect(lib: Native): Handle<'conn'> {
  try {
    return lib.virConnectOpen(uri);
  } catch (error) {
    throw error instanceof NativeError ? new ConnectError(error) : error;
  }
}

/** False after the daemon was restarted: a new connection is then all it takes. No traffic; a driver that cannot tell says -1. */
function isAlive(lib: Native, handle: Handle<'conn'>): boolean {
  try {
    return lib.virConnectIsAlive(handle) !== 0;
  } catch {
    return true;
  }
}

function disconnect(): void {
  const old = conn;
  conn = null;
  if (old !== null) native?.virConnectClose(old);
}

function perform({ op, args }: Request): unknown {
  if (op === 'close') return disconnect();
  const current = session();
  if (op === 'connect') return undefined;
  // The main thread's types tie the arguments to the operation; a message cannot carry that.
  const operation = operations[op] as (session: Session, ...args: unknown[]) => unknown;
  return operation(current, ...args);
}

function toFailure(error: unknown): Failure {
  if (error instanceof LibraryError) return { kind: 'no-library', message: error.message };
  if (error instanceof ConnectError) return { kind: 'libvirt', during: 'connect', error: plain(error.cause) };
  if (error instanceof NativeError) return { kind: 'libvirt', during: 'call', error: plain(error) };
  return { kind: 'bug', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

const plain = ({ code, domain, level, errno, message }: NativeError) => ({
  code,
  domain,
  level,
  errno,
  message,
});

function answer(request: Request): Reply {
  try {
    return { ok: true, result: perform(request) };
  } catch (error) {
    return { ok: false, failure: toFailure(error) };
  }
}

parentPort?.on('message', (request: Request) => parentPort?.postMessage(answer(request)));
