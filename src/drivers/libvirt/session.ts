import { NativeError } from './native.js';
import type { Handle, Native } from './table.js';

/** What an operation works on: libvirt in this thread, and this thread's connection. */
export interface Session {
  native: Native;
  conn: Handle<'conn'>;
}

const UUID_LENGTH = 36;

export function uuidOf(native: Native, domain: Handle<'domain'>): string {
  const buffer = Buffer.alloc(UUID_LENGTH + 1);
  native.virDomainGetUUIDString(domain, buffer);
  return buffer.toString('latin1', 0, UUID_LENGTH);
}

type OnDomain<R> = (native: Native, domain: Handle<'domain'>) => R;

/** Acts on a domain and frees the handle, whatever happens. */
export function using<R>(native: Native, domain: Handle<'domain'>, act: OnDomain<R>): R {
  try {
    return act(native, domain);
  } finally {
    native.virDomainFree(domain);
  }
}

export const withDomain = <R>({ native, conn }: Session, uuid: string, act: OnDomain<R>): R =>
  using(native, native.virDomainLookupByUUIDString(conn, uuid), act);

/** As withDomain, for calls whose result says nothing but "done". */
export function run(session: Session, uuid: string, act: OnDomain<unknown>): void {
  withDomain(session, uuid, act);
}

/** Maps handles, leaves out nulls, and frees every handle even if a call in between fails. */
export function freeing<H, R>(
  handles: readonly H[],
  free: (handle: H) => unknown,
  act: (handle: H) => R | null,
): R[] {
  try {
    return handles.map(act).filter(result => result !== null);
  } finally {
    for (const handle of handles) free(handle);
  }
}

/** Null instead of a failure with one of these codes: what was asked for is not there, or went away between two calls. */
export function unlessFailed<R>(codes: readonly number[], act: () => R): R | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof NativeError && codes.includes(error.code)) return null;
    throw error;
  }
}

/** The sum of the flags whose option is on. */
export const flags = (...options: [on: boolean | undefined, flag: number][]): number =>
  options.reduce((sum, [on, flag]) => (on ? sum | flag : sum), 0);
