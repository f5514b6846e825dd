import type { Address, Renewer } from '../host/model.js';
import type { RenewerRef } from './model.js';

// How a DHCP client's command reads for another interface, and which files are then its own.

/** The same client on the bridge: same options, files of its own. */
export function onBridge(
  renewer: Renewer,
  uplink: string,
  bridge: string,
  addresses: readonly Address[],
): RenewerRef {
  const words = renamed(renewer.argv, uplink, bridge);
  const rename = (path: string) => renamedPath(path, uplink, bridge);
  switch (renewer.client) {
    case 'dhclient': {
      const leases = rename(renewer.leases ?? wordAfter(renewer.argv, '-lf') ?? DHCLIENT_LEASES);
      const pid = rename(wordAfter(renewer.argv, '-pf') ?? DHCLIENT_PID);
      return { ...renewer, on: bridge, argv: withValue(withValue(words, '-pf', pid), '-lf', leases), leases };
    }
    case 'dhcpcd':
      return { ...renewer, on: bridge, argv: words, leases: renewer.leases && rename(renewer.leases) };
    case 'udhcpc': {
      const pid = wordAfter(renewer.argv, '-p');
      const argv = pid === null ? words : withValue(words, '-p', rename(pid));
      // The last one counts.
      const ask = addresses.find(({ family, scope }) => family === 4 && scope === 'global');
      return { ...renewer, on: bridge, argv: ask ? [...argv, '-r', ask.local] : argv };
    }
    case 'systemd-networkd':
    case 'NetworkManager':
      return { ...renewer, on: bridge };
    default:
      return renewer.client satisfies never;
  }
}

const DHCLIENT_LEASES = '/var/lib/dhcp/dhclient.leases';
const DHCLIENT_PID = '/run/dhclient.pid';

/** Options whose word is not about the interface, even if it holds its name. */
const KEEP = [
  '-cf',
  '-df',
  '-sf',
  '-s',
  '-e',
  '-F',
  '-H',
  '-V',
  '-x',
  '--script',
  '--fqdn',
  '--vendorclass',
  '-f',
  '--config',
];

/** A command for another interface. */
export function renamed(argv: readonly string[], from: string, to: string): string[] {
  return argv.map((word, i) => {
    if (i === 0 || KEEP.includes(argv[i - 1] ?? '')) return word;
    if (word === from) return to;
    const attached = /^(-[A-Za-z]*i|--interface=)(.+)$/.exec(word);
    if (attached?.[2] === from) return `${attached[1]}${to}`;
    return word.startsWith('/') ? exchanged(word, from, to) : word;
  });
}

/** A path whose file's name has an interface's as a part: `dhclient.eth0.leases`, `dhclient-eth0.pid`. */
function exchanged(path: string, from: string, to: string): string {
  const base = baseOf(path);
  const name = from.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const part = new RegExp(`(^|[._-])${name}(?=$|[._-])`);
  return path.slice(0, path.length - base.length) + base.replace(part, (_, start) => start + to);
}

/** A path of its own: with the other interface's name instead of the one, or with it put in. */
function renamedPath(path: string, from: string, to: string): string {
  const other = exchanged(path, from, to);
  if (other !== path) return other;
  const base = baseOf(path);
  const folder = path.slice(0, path.length - base.length);
  const dot = base.lastIndexOf('.');
  return folder + (dot > 0 ? `${base.slice(0, dot)}.${to}${base.slice(dot)}` : `${base}.${to}`);
}

const baseOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

const wordAfter = (argv: readonly string[], option: string): string | null => {
  const at = argv.indexOf(option);
  return at < 0 ? null : (argv[at + 1] ?? null);
};

/** With an option's value exchanged; or with the option, right behind the program's name. */
function withValue(argv: readonly string[], option: string, value: string): string[] {
  const at = argv.indexOf(option);
  return at < 0
    ? [...argv.slice(0, 1), option, value, ...argv.slice(1)]
    : argv.map((word, i) => (i === at + 1 ? value : word));
}

/** Files that a client on the bridge leaves when it is ended, and has not in common with the one on the uplink. */
export function filesOf({ client, on, argv, leases }: RenewerRef, former: Renewer): string[] {
  const values = (options: readonly string[]) =>
    options.flatMap(option => wordAfter(argv, option) ?? []).filter(path => !former.argv.includes(path));
  switch (client) {
    case 'dhclient':
      return values(['-lf', '-pf']);
    case 'udhcpc':
      return values(['-p']);
    case 'dhcpcd': {
      const family = argv.find(word => word === '-4' || word === '-6') ?? '';
      const sockets = ['pid', 'sock', 'unpriv.sock'].map(end => `/run/dhcpcd/${on}${family}.${end}`);
      const hooks = ['dhcp', 'dhcp6', 'ra'].map(
        source => `/run/dhcpcd/hook-state/resolv.conf/${on}.${source}`,
      );
      return [...(leases === null ? [] : [leases]), ...sockets, ...hooks];
    }
    case 'systemd-networkd':
    case 'NetworkManager':
      return [];
    default:
      return client satisfies never;
  }
}
