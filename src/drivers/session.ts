import { readdir, readFile, readlink } from 'node:fs/promises';
import { SocketAddress } from 'node:net';
import { fieldIn, statOf } from '../process.js';

/** Who started this run, and from where. */
export interface Session {
  /** Standard input is a terminal: somebody is there to see what becomes of the host. */
  readonly terminal: boolean;
  /** Addresses of this host that whoever is logged in has come to. */
  readonly addresses: readonly string[];
}

/** How many ancestors are looked at; a chain of su, sudo and shells is shorter. */
const MOST_ANCESTORS = 32;

/**
 * By SSH_CONNECTION; and since sudo drops it, by the TCP connections of the processes that we descend from: sshd's,
 * telnetd's. Reads /proc only, and what it may not read it does without.
 */
export async function observeSession(env: NodeJS.ProcessEnv, terminal: boolean): Promise<Session> {
  const [tcp4, tcp6, sockets] = await Promise.all([
    readFile('/proc/self/net/tcp', 'utf8').catch(() => ''),
    readFile('/proc/self/net/tcp6', 'utf8').catch(() => ''),
    ancestors().then(pids => Promise.all(pids.map(socketsOf))),
  ]);
  const inodes = new Set(sockets.flat());
  const connected = [...established(tcp4), ...established(tcp6)];
  const addresses = [
    ...serverAddress(env.SSH_CONNECTION ?? ''),
    ...connected.filter(({ inode }) => inodes.has(inode)).map(({ local }) => local),
  ];
  return { terminal, addresses: [...new Set(addresses)] };
}

/** Of `CLIENT PORT SERVER PORT`, see ssh(1), the third; without the zone of a link-local one. */
export function serverAddress(connection: string): string[] {
  const server = connection.split(' ')[2]?.split('%')[0] ?? '';
  return server === '' ? [] : [plain(server)];
}

/** Connections in proc_net_tcp(5)'s table of a machine with the lowest byte first. */
export function established(table: string): { local: string; inode: string }[] {
  return table.split('\n').flatMap(line => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const hex = local.split(':')[0] ?? '';
    return state === '01' && inode !== '0' ? [{ local: fromHex(hex), inode }] : [];
  });
}

/** `0202000A` or four such words of IPv6. */
function fromHex(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map(byte => Number.parseInt(byte, 16)).join('.');
  return plain((bytes.join('').match(/.{4}/g) ?? []).join(':'));
}

/** As `ip` prints it; an IPv4 address that came as IPv6, as what it is. */
function plain(address: string): string {
  if (!address.includes(':')) return address;
  const text = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:([\d.]+)$/.exec(text)?.[1] ?? text;
}

async function ancestors(): Promise<number[]> {
  const found: number[] = [];
  for (let pid = process.ppid; pid > 1 && found.length < MOST_ANCESTORS; ) {
    found.push(pid);
    pid = Number(fieldIn(await statOf(pid), 4) ?? 0);
  }
  return found;
}

async function socketsOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(names.map(name => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return links.flatMap(link => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
