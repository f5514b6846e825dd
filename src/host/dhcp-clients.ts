import type { Renewer } from './model.js';

// What a DHCP client was told, from its argv.

/** A client, before anybody has looked for its files. */
export interface DhcpClient extends Omit<Renewer, 'leases'> {
  /** Files that may hold its leases; the first that is there does. */
  readonly leaseFiles: readonly string[];
}

/** Names of the kernel's for processes that may be clients. */
export const CLIENT_COMMS = ['dhclient', 'dhcpcd', 'udhcpc', 'busybox'];

/** What this process looks after; null where it is no DHCP client that could be moved. */
export function clientOf(argv: readonly string[]): DhcpClient | null {
  const title = /^dhcpcd: (.*)$/.exec(argv[0] ?? '')?.[1];
  if (title !== undefined) return dhcpcdOf(title);
  const [program, ...words] = argv[0]?.endsWith('busybox') ? argv.slice(1) : argv;
  switch (program?.split('/').at(-1)) {
    case 'dhclient':
      return dhclientOf(argv, words);
    case 'dhcpcd':
      return dhcpcdCommand(argv, words);
    case 'udhcpc':
      return udhcpcOf(argv, words);
    default:
      return null;
  }
}

/** dhclient(8)'s options that take a word. */
const DHCLIENT_VALUES = [
  ...['-4o6', '-D', '-p', '-df', '-e', '-lf', '-pf', '-cf', '-sf', '-s', '-g'],
  ...['-timeout', '-V', '-C', '-H', '-F', '-R'],
  ...['--dad-wait-time', '--prefix-len-hint', '--decline-wait-time', '--address-prefix-len'],
];

/** Debian's place and that of Red Hat. */
const DHCLIENT_LEASES = ['/var/lib/dhcp/dhclient.leases', '/var/lib/dhclient/dhclient.leases'];

function dhclientOf(argv: readonly string[], words: readonly string[]): DhcpClient | null {
  // For IPv6, or a program's that has its own idea of what is to be done with a lease.
  if (words.includes('-6') || words.some(word => word.includes('nm-dhcp'))) return null;
  const { operands, values } = parsed(words, DHCLIENT_VALUES);
  const file = values.get('-lf');
  return {
    client: 'dhclient',
    on: only(operands),
    argv,
    leaseFiles: file === undefined ? DHCLIENT_LEASES : [file],
  };
}

/**
 * dhcpcd's title, such as `eth0 [ip4]`. Where it gives up its privileges, root's process is a helper of that one,
 * `[privileged proxy] eth0 [ip4]`; the manager of all interfaces names none.
 */
function dhcpcdOf(title: string): DhcpClient | null {
  const words = title.replace(/^\[privileged proxy\]|\[manager\]|\[master\]/, '').match(/\S+/g) ?? [];
  const families = words.filter(word => /^\[ip[46]\]$/.test(word)).map(word => `-${word[3]}`);
  const names = words.filter(word => !word.startsWith('['));
  // Any other helper.
  if (words.length > families.length + names.length) return null;
  const [on] = names;
  if (on === undefined) return { client: 'dhcpcd', on: null, argv: ['dhcpcd'], leaseFiles: [] };
  const argv = ['dhcpcd', ...(families.length === 1 ? families : []), on];
  return { client: 'dhcpcd', on, argv, leaseFiles: dhcpcdLeases(on) };
}

/** Debian's place and dhcpcd's own. */
const dhcpcdLeases = (dev: string) =>
  ['/var/lib/dhcpcd', '/var/db/dhcpcd'].map(folder => `${folder}/${dev}.lease`);

/** dhcpcd(8)'s options that take a word. */
const DHCPCD_VALUES = [...'CceFfhIijlmOoQrSstuvWXyZz'].map(letter => `-${letter}`);

function dhcpcdCommand(argv: readonly string[], words: readonly string[]): DhcpClient {
  const on = only(parsed(words, DHCPCD_VALUES).operands);
  return { client: 'dhcpcd', on, argv, leaseFiles: on === null ? [] : dhcpcdLeases(on) };
}

/** Options of BusyBox's udhcpc that take a word; there are long ones for all. */
const UDHCPC_VALUES = [
  ...[...'cFHhipPrsTtAVOx'].map(letter => `-${letter}`),
  ...['--clientid', '--fqdn', '--hostname', '--interface', '--pidfile', '--request', '--script', '--timeout'],
  ...['--retries', '--tryagain', '--vendorclass', '--request-option', '--client-port'],
];

function udhcpcOf(argv: readonly string[], words: readonly string[]): DhcpClient {
  const { values } = parsed(words, UDHCPC_VALUES);
  // udhcpc's own default.
  const on = values.get('-i') ?? values.get('--interface') ?? 'eth0';
  return { client: 'udhcpc', on, argv, leaseFiles: [] };
}

const only = (names: readonly string[]): string | null => (names.length === 1 ? (names[0] ?? null) : null);

/** Options with their values, however they are written (`-i eth0`, `-ieth0`, `-bi eth0`, `--interface=eth0`), and the rest. */
function parsed(
  words: readonly string[],
  withValue: readonly string[],
): { values: Map<string, string>; operands: string[] } {
  const values = new Map<string, string>();
  const operands: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [option, attached] = split(word, withValue);
    if (option !== null) values.set(option, attached ?? words[++at] ?? '');
    else if (!word.startsWith('-')) operands.push(word);
  }
  return { values, operands };
}

/** The option of a word that takes a value, and the value where it is in the same word. */
function split(word: string, withValue: readonly string[]): [string | null, string | null] {
  if (withValue.includes(word)) return [word, null];
  const long = /^(--[^=]+)=(.*)$/.exec(word);
  if (long) return withValue.includes(long[1] ?? '') ? [long[1] ?? '', long[2] ?? ''] : [null, null];
  // A cluster of letters: the first that takes a value has the rest. dhclient's options are whole words instead.
  if (!/^-[A-Za-z]/.test(word) || withValue.includes('-lf')) return [null, null];
  const at = [...word].findIndex((letter, i) => i > 0 && withValue.includes(`-${letter}`));
  return at < 0 ? [null, null] : [`-${word[at]}`, word.slice(at + 1) || null];
}
