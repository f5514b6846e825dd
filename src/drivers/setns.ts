import { closeSync, openSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { VmnetError } from '../errors.js';

/** Where ip-netns(8) keeps the names of network namespaces. */
export const NETNS_FOLDER = '/run/netns';

export const namespaceFile = (name: string) => join(NETNS_FOLDER, name);

/** A namespace that we hold open. */
export interface Opened {
  readonly name: string;
  readonly fd: number;
  readonly inode: string;
}

/** None where it is gone meanwhile. */
export function openNamespace(name: string): Opened[] {
  try {
    const fd = openSync(namespaceFile(name), 'r');
    return [{ name, fd, inode: `net:[${statSync(namespaceFile(name)).ino}]` }];
  } catch {
    return [];
  }
}

/** libc's functions that Node has not. */
export interface Libc {
  setns(fd: number, type: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  /** 0 where there is no such interface. */
  index(name: string): number;
  /** SO_ATTACH_FILTER: a classic BPF program, its instructions of 8 bytes. */
  attachFilter(fd: number, program: Uint8Array): number;
  errno(): number;
}

const CLONE_NEWNET = 0x40000000;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

let libc: Libc | undefined;

export async function loadLibc(): Promise<Libc> {
  if (libc) return libc;
  const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
  const all = koffi.load(null);
  koffi.struct('vmnetFilter', { length: 'uint16_t', program: 'uint8_t *' }); // struct sock_fprog
  const setsockopt = all.func('int setsockopt(int, int, int, _In_ vmnetFilter *, uint32_t)');
  libc = {
    setns: all.func('int setns(int, int)') as unknown as Libc['setns'],
    socket: all.func('int socket(int, int, int)') as unknown as Libc['socket'],
    bind: all.func('int bind(int, _In_ uint8_t *, uint32_t)') as unknown as Libc['bind'],
    send: all.func('long send(int, _In_ uint8_t *, size_t, int)') as unknown as Libc['send'],
    recv: all.func('long recv(int, _Out_ uint8_t *, size_t, int)') as unknown as Libc['recv'],
    index: all.func('unsigned int if_nametoindex(const char *)') as unknown as Libc['index'],
    attachFilter: (fd, program) =>
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, { length: program.length / 8, program }, 16),
    errno: () => koffi.errno(),
  };
  return libc;
}

/** Do something in another namespace, without a pause in which anything else of ours could run there. */
export function inside<T>(fd: number, { setns, errno }: Libc, act: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    if (setns(fd, CLONE_NEWNET) !== 0) throw refused(errno());
    try {
      return act();
    } finally {
      // Whatever would run from here on would change the wrong namespace; the journal tells the next run.
      if (setns(home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

const refused = (errno: number) =>
  new VmnetError(
    'permission',
    `the network namespaces below ${NETNS_FOLDER} cannot be entered: errno ${errno}`,
    'Run vmnet as root (sudo); inside a container, the container needs CAP_SYS_ADMIN.',
  );
