import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { VmnetError } from '../errors.js';
import type { IpJson } from './iproute2.js';
import {
  dumpRequest,
  nsidRequest,
  parseAddressMessage,
  parseLinkMessage,
  parseRouteMessage,
  parts,
} from './netlink.js';
import type { Run } from './run.js';
import {
  inside,
  type Libc,
  loadLibc,
  NETNS_FOLDER,
  namespaceFile,
  type Opened,
  openNamespace,
} from './setns.js';

/** Where ip-netns(8) keeps the names of network namespaces. */
const FOLDER = NETNS_FOLDER;

/** A named network namespace, as it is now. */
export interface NamespaceDump {
  readonly name: string;
  /** Its id in our own namespace, by which our links name the other end of a veth; null where it has none. */
  readonly id: number | null;
  /** Links in the form of `ip -json`, with addresses. */
  readonly links: readonly IpJson[];
  /** Unicast routes of the main table, both families. */
  readonly routes: readonly IpJson[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** Which of the named namespaces its links' `link_netnsid` stands for; null is our own. */
  readonly peers: Readonly<Record<number, string | null>>;
  /** Processes in it. */
  readonly pids: readonly number[];
  /** We may not enter it, so nothing is known but its name. */
  readonly refused: boolean;
}

export interface LookOptions {
  /** Whose mark on its loopback interface makes a namespace worth a closer look; of others, only the name is told. */
  readonly isOurs: (altnames: readonly string[]) => boolean;
  /** Settings to read, by path below /proc/sys, of a namespace. */
  readonly sysctls: (name: string) => readonly string[];
}

/**
 * Network namespaces with a name. Looking into them takes no process: the thread enters each for a moment, which the
 * kernel allows a thread by itself, and opens a socket there.
 */
export interface Namespaces {
  /** Is the folder of names there? ip(8) makes it with the first namespace, and leaves it behind. */
  hasFolder(): Promise<boolean>;
  exists(name: string): Promise<boolean>;
  /** All that have a name. */
  look(options: LookOptions): Promise<readonly NamespaceDump[]>;
  /** Set what is below /proc/sys in one. Throws `command-failed` or `permission` with the path. */
  writeSysctls(name: string, values: readonly (readonly [path: string, value: string])[]): Promise<void>;
  /** Take the folder of names away where no name is left in it. */
  removeFolder(): Promise<void>;
  /** Command prefix that runs a program inside. */
  enter(name: string): string[];
}

export function makeNamespaces(run: Run): Namespaces {
  return {
    hasFolder: async () => exists(FOLDER),
    exists: async name => exists(namespaceFile(name)),
    async look(options) {
      const names = readdirIn(FOLDER);
      if (names.length === 0) return [];
      const libc = await loadLibc();
      const opened = names.flatMap(name => openNamespace(name));
      try {
        const seen = lookInto(opened, options, libc);
        const ours = seen.filter(({ links }) => links.length > 0);
        const pids = ours.length > 0 ? await processesByNamespace() : new Map<string, number[]>();
        return seen.map(({ inode, ...dump }) => ({ ...dump, pids: pids.get(inode) ?? [] }));
      } finally {
        for (const { fd } of opened) closeSync(fd);
      }
    },
    async writeSysctls(name, values) {
      if (values.length === 0) return;
      const libc = await loadLibc();
      const [opened] = openNamespace(name);
      if (!opened) throw new VmnetError('command-failed', `there is no network namespace ${name}`);
      try {
        inside(opened.fd, libc, () => {
          for (const [path, value] of values) writeSysctl(name, path, value);
        });
      } finally {
        closeSync(opened.fd);
      }
    },
    async removeFolder() {
      if (!exists(FOLDER) || readdirIn(FOLDER).length > 0) return;
      // ip(8) has mounted it upon itself; in use by somebody who was quicker, it stays.
      await run('umount', [FOLDER], { allowFailure: true });
      try {
        rmdirSync(FOLDER);
      } catch {
        // Somebody has made a name meanwhile.
      }
    },
    enter: name => ['nsenter', `--net=${namespaceFile(name)}`, '--'],
  };
}

const exists = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined;

function readdirIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const NETLINK_ROUTE = 0;
/** A dump's next part is there as soon as it is asked for. */
const MSG_DONTWAIT = 0x40;
/** The kernel makes a part as large as the reader's buffer, up to 32 KiB. */
const BUFFER = Buffer.alloc(64 * 1024);

type Seen = Omit<NamespaceDump, 'pids'> & { readonly inode: string };

/** In one go, so that no other work of ours meets a thread that is elsewhere. */
function lookInto(all: readonly Opened[], options: LookOptions, libc: Libc): Seen[] {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  const here = openSocket(libc);
  const sockets: number[] = [];
  try {
    return all.map(({ name, fd, inode }) => {
      const entered = attempt(() =>
        inside(fd, libc, () => {
          const socket = openSocket(libc);
          sockets.push(socket);
          const lo = dump('links', socket, libc)
            .map(parseLinkMessage)
            .find(({ ifname }) => ifname === 'lo');
          const isOurs = options.isOurs((lo?.altnames ?? []) as string[]);
          return { socket, isOurs, sysctls: isOurs ? readSysctls(options.sysctls(name)) : {} };
        }),
      );
      const id = idOf(fd, here, libc);
      const refused = entered === null;
      if (!entered?.isOurs)
        return { name, inode, id, links: [], routes: [], sysctls: {}, peers: {}, refused };
      const { socket, sysctls } = entered;
      const links = linksOf(socket, libc);
      const ids = new Set(links.flatMap(({ link_netnsid: it }) => (typeof it === 'number' ? [it] : [])));
      return {
        ...{ name, inode, id, links, sysctls, refused },
        routes: routesOf(socket, links, libc),
        peers: peersOf(ids, home, all, socket, libc),
      };
    });
  } finally {
    for (const socket of [here, ...sockets, home]) closeSync(socket);
  }
}

/** Null where we may not. */
function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof VmnetError && error.code === 'permission') return null;
    throw error;
  }
}

function openSocket({ socket, errno }: Libc): number {
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw new VmnetError('command-failed', `no netlink socket: errno ${errno()}`);
  return fd;
}

function dump(what: Parameters<typeof dumpRequest>[0], socket: number, libc: Libc): Buffer[] {
  ask(socket, dumpRequest(what), libc);
  const bodies: Buffer[] = [];
  for (;;) {
    const part = answer(socket, libc);
    if (part.errno !== 0)
      throw new VmnetError(
        'command-failed',
        `the kernel tells no ${what} of a namespace: errno ${part.errno}`,
      );
    bodies.push(...part.bodies);
    if (part.done) return bodies;
  }
}

function ask(socket: number, request: Buffer, { send, errno }: Libc): void {
  if (send(socket, request, request.length, 0) !== request.length)
    throw new VmnetError('command-failed', `netlink takes no request: errno ${errno()}`);
}

function answer(socket: number, { recv, errno }: Libc) {
  const length = Number(recv(socket, BUFFER, BUFFER.length, MSG_DONTWAIT));
  if (length <= 0) throw new VmnetError('command-failed', `netlink gives no answer: errno ${errno()}`);
  return parts(Buffer.from(BUFFER.subarray(0, length)));
}

function linksOf(socket: number, libc: Libc): (IpJson & { addr_info: unknown[] })[] {
  const links = dump('links', socket, libc).map(body => ({
    ...parseLinkMessage(body),
    addr_info: [] as unknown[],
  })) as (IpJson & { addr_info: unknown[] })[];
  const byIndex = new Map(links.map(link => [link.ifindex, link]));
  for (const body of dump('addresses', socket, libc)) {
    const { index, address } = parseAddressMessage(body);
    byIndex.get(index)?.addr_info.push(address);
  }
  return links;
}

function routesOf(socket: number, links: readonly IpJson[], libc: Libc): IpJson[] {
  const nameOf = new Map(links.map(link => [link.ifindex, link.ifname]));
  return dump('routes', socket, libc).flatMap(body => {
    const route = parseRouteMessage(body);
    return route === null ? [] : [{ ...route, dev: nameOf.get(route.oif) ?? null }];
  });
}

/** The id of a namespace in that of the socket; null where it has none yet. */
function idOf(fd: number, socket: number, libc: Libc): number | null {
  ask(socket, nsidRequest(fd), libc);
  const [body] = answer(socket, libc).bodies;
  const id = body && body.length >= 12 ? body.readInt32LE(8) : -1;
  return id < 0 ? null : id;
}

/** Whom each id stands for. Most have no veth but to us, so we are asked for first. */
function peersOf(
  ids: ReadonlySet<number>,
  home: number,
  all: readonly Opened[],
  socket: number,
  libc: Libc,
): Record<number, string | null> {
  const found: Record<number, string | null> = {};
  for (const { name, fd } of [{ name: null, fd: home }, ...all]) {
    if (Object.keys(found).length === ids.size) break;
    const id = idOf(fd, socket, libc);
    if (id !== null && ids.has(id)) found[id] = name;
  }
  return found;
}

/** In the namespace that the thread is in: what cannot be read is left out. */
function readSysctls(paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    paths.flatMap(path => {
      try {
        return [[path, readFileSync(join('/proc/sys', path), 'utf8').trim().replace(/\s+/g, ' ')]];
      } catch {
        return [];
      }
    }),
  );
}

function writeSysctl(name: string, path: string, value: string): void {
  try {
    writeFileSync(join('/proc/sys', path), value, { flag: 'r+' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const setting = path.replaceAll('/', '.');
    throw new VmnetError(
      code === 'EROFS' ? 'permission' : 'command-failed',
      `the setting ${setting} of namespace ${name} could not be set to ${value}: ${message}`,
      code === 'ENOENT'
        ? 'This kernel has none of that name in a network namespace: correct "sysctls" in the lab file.'
        : 'Correct "sysctls" in the lab file; in a container, /proc/sys/net must be writable.',
      error,
    );
  }
}

/** Every process by the network namespace that it is in. */
async function processesByNamespace(): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  const own = readlinkSync('/proc/self/ns/net');
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
  const seen = await Promise.all(pids.map(pid => readlink(`/proc/${pid}/ns/net`).catch(() => null)));
  for (const [i, inode] of seen.entries())
    if (inode !== null && inode !== own) found.set(inode, [...(found.get(inode) ?? []), Number(pids[i])]);
  return found;
}
