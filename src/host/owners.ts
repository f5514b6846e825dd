import type { Drivers } from '../drivers/drivers.js';
import type { FirewallRule, Link, Manager, Owner } from './model.js';

/** What the host's managers write about one interface; null where they do not. */
export interface Traces {
  /** networkd's /run/systemd/netif/links/INDEX. */
  readonly networkd: string | null;
  /** NetworkManager's /run/NetworkManager/devices/INDEX. */
  readonly networkManager: string | null;
  /** ifupdown's /run/network/ifstate: what is up. */
  readonly ifstate: string | null;
  readonly docker: boolean;
}

/** Who manages these interfaces, from the files that the managers themselves keep; no process is started. */
export async function ownersOf(
  devices: readonly string[],
  links: readonly Link[],
  firewall: readonly FirewallRule[],
  drivers: Drivers,
): Promise<Record<string, Owner[]>> {
  const { files, kernel } = drivers;
  if (devices.length === 0 || !(await kernel.inFirstNetwork())) return {};
  const found = await Promise.all(
    devices.map(async device => {
      const index = links.find(({ name }) => name === device)?.index ?? 0;
      const [networkd, networkManager, ifstate] = await Promise.all([
        files.read(`/run/systemd/netif/links/${index}`),
        files.read(`/run/NetworkManager/devices/${index}`),
        files.read('/run/network/ifstate'),
      ]);
      const docker = links.some(({ name }) => name === 'docker0');
      const owners = ownersIn(device, { networkd, networkManager, ifstate, docker }, firewall);
      return [device, owners] as const;
    }),
  );
  return Object.fromEntries(found.filter(([, owners]) => owners.length > 0));
}

/** The owners of one interface, from their traces. */
export function ownersIn(device: string, traces: Traces, firewall: readonly FirewallRule[]): Owner[] {
  const networkd = networkdOf(traces.networkd ?? '');
  const viaNetplan = networkd?.how.includes('netplan') || /netplan-/.test(traces.networkManager ?? '');
  return [
    ...(viaNetplan ? [NETPLAN] : []),
    ...(networkd ? [networkd] : []),
    ...networkManagerOf(traces.networkManager ?? ''),
    ...(isUp(device, traces.ifstate ?? '') ? [IFUPDOWN] : []),
    ...(traces.docker ? [DOCKER] : []),
    ...firewalldOf(device, firewall),
  ];
}

const NETPLAN: Owner = {
  name: 'netplan',
  how: 'its configuration was written by netplan',
  effect: '"netplan apply" puts the addresses back on it',
};

const IFUPDOWN: Owner = {
  name: 'ifupdown',
  how: 'it was brought up by ifup, says /run/network/ifstate',
  effect: 'ifdown and ifup of it, or a restart of networking.service, put the addresses back on it',
};

const DOCKER: Owner = {
  name: 'Docker',
  how: 'Docker runs on this host, says docker0',
  effect:
    'where br_netfilter is loaded, its rule that drops what is forwarded also drops what is bridged ("bridgeNetfilter": "off" for the bridge keeps guests out of it)',
};

/** A state file of systemd-networkd; an interface that it lets be is not its own. */
function networkdOf(text: string): Owner | null {
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1];
  const state = value('ADMIN_STATE');
  const file = value('NETWORK_FILE');
  if (state === undefined || state === 'unmanaged') return null;
  return {
    name: 'systemd-networkd',
    how: `it is ${state}${file ? ` by ${file}` : ''}`,
    effect:
      '"networkctl reload" after a change of its file, a restart or a renewed lease puts the addresses back on it',
  };
}

/** A state file of NetworkManager's; only a device with a connection is looked after. */
function networkManagerOf(text: string): Owner[] {
  const uuid = /^connection-uuid=(\S+)$/m.exec(text)?.[1];
  if (!/^managed=(true|1)$/m.test(text) || uuid === undefined) return [];
  return [
    {
      name: 'NetworkManager',
      how: `its connection is ${uuid}`,
      effect:
        'when the connection is activated again or its lease is renewed, the addresses are put back on it',
    },
  ];
}

const isUp = (device: string, ifstate: string) =>
  ifstate.split('\n').some(line => line === device || line.startsWith(`${device}=`));

/** firewalld's zones are rules that name the interface. */
function firewalldOf(device: string, firewall: readonly FirewallRule[]): Owner[] {
  const rule = firewall.find(found => found.device === device && /\bfirewalld\b/.test(found.where));
  return rule === undefined
    ? []
    : [
        {
          name: 'firewalld',
          how: `it is in one of its zones: ${rule.where}`,
          effect:
            'the zone stops to apply, and that of the bridge does: firewall-cmd --zone=ZONE --add-interface=BRIDGE',
        },
      ];
}

/** Where each manager looks for what is to last until the next boot only, and what the kernel calls its process. */
const PLACES = {
  // NetworkManager.conf(5): read after the distribution's files, before those in /etc.
  NetworkManager: {
    comm: 'NetworkManager',
    file: (lab: string) => `/run/NetworkManager/conf.d/90-vmnet-${lab}.conf`,
  },
  // systemd.network(5): the first file by name that matches counts, wherever it lies.
  'systemd-networkd': {
    comm: 'systemd-network',
    file: (lab: string) => `/run/systemd/network/00-vmnet-${lab}.network`,
  },
} as const;

/** Its folder in /run outlives it, and one that systemd started keeps no file of its pid. */
export const managerRuns = async (name: Manager['name'], { processes }: Drivers): Promise<boolean> =>
  (await processes.named([PLACES[name].comm])).length > 0;

/** Managers that run here, and may be asked by their own commands; or that have ended, and left a word of ours behind. */
export async function managersOf(lab: string, drivers: Drivers): Promise<Manager[]> {
  if (!(await drivers.kernel.hasSystemd())) return [];
  const running = (await drivers.processes.named(Object.values(PLACES).map(({ comm }) => comm))).map(
    ({ comm }) => comm,
  );
  const found = await Promise.all(
    Object.entries(PLACES).map(async ([name, { comm, file }]) => {
      const path = file(lab);
      const text = await drivers.files.read(path);
      return text !== null || running.includes(comm) ? [{ name: name as Manager['name'], path, text }] : [];
    }),
  );
  return found.flat();
}
