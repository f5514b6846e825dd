import type { Address, HostState, Renewer, UplinkBefore } from '../host/model.js';
import { managersOfUplink } from './links.js';
import type { Action, RenewerRef } from './model.js';
import { letPortBe, takePortBack } from './network-manager.js';
import { filesOf, onBridge } from './renewer-argv.js';

// A DHCP client looks after one interface: when its addresses move to another, it has to follow, or they run out.

/** What has to happen around the batch that moves the addresses. */
export interface Around {
  readonly before: readonly Action[];
  readonly after: readonly Action[];
}

/** Milliseconds for a client to get its lease again: a client asks every three seconds or so. */
const LEASED_WITHIN = 15_000;

/** The same on the way back, where nobody has to decide anything. */
const BACK_WITHIN = 5_000;

/** DHCP clients that can follow an uplink's addresses. */
export const movable = (uplink: string, host: HostState): Renewer[] =>
  host.renewers.filter(({ on }) => on === uplink);

/** Where nothing moves, managers have to let the port be all the same; a lease of theirs is not moved. */
export const lettingBe = (uplink: string, host: HostState): Renewer[] =>
  movable(uplink, host).flatMap(({ settings, ...renewer }) =>
    LEASE_HOLDERS.includes(renewer.client) ? [renewer] : [],
  );

/** Will somebody renew this address of the uplink on the bridge? */
export const willBeRenewed = (address: Address, uplink: string, host: HostState): boolean =>
  movable(uplink, host).some(renewer => renews(renewer) && (address.family === 4 || doesSix(renewer)));

/**
 * networkd may look after an interface without a lease that could be moved: then it only has to let the port be. So has
 * NetworkManager, whose leases are not moved.
 */
export const renews = ({ client, settings }: Renewer): boolean =>
  client !== 'NetworkManager' && (client !== 'systemd-networkd' || settings !== undefined);

/** dhcpcd speaks DHCPv6, and answers router advertisements itself. */
const doesSix = ({ client, argv }: Renewer) => client === 'dhcpcd' && !argv.includes('-4');

/** Managers with a DHCP client of their own. */
const LEASE_HOLDERS: readonly string[] = ['NetworkManager', 'systemd-networkd'];

/** Why an address of the uplink would not be renewed, for people. */
export function whyNotRenewed(uplink: string, host: HostState): string {
  const [shared] = host.renewers.filter(({ on }) => on === null);
  if (shared)
    return `${shared.client} looks after several interfaces at once, and cannot be moved for ${uplink} alone`;
  const holder = managersOfUplink(host, uplink).find(({ name }) => LEASE_HOLDERS.includes(name));
  if (holder) return `${holder.name} holds them (${holder.how}), and vmnet cannot move its lease`;
  return `no DHCP client was found that looks after ${uplink} alone (dhclient, dhcpcd, udhcpc)`;
}

/** Actions by which the clients follow an uplink's addresses to the bridge. */
export function follow(
  before: UplinkBefore,
  uplink: string,
  bridge: string,
  addresses: readonly Address[],
  must: boolean,
): Around {
  return around(before, (renewer): Around => {
    if (renewer.client === 'NetworkManager') return { before: [], after: letPortBe(renewer, uplink) };
    if (!renews(renewer)) return { before: [], after: [letBe(uplink, before.keepsAddresses !== true)] };
    if (renewer.client === 'systemd-networkd') {
      const wait = awaitOf({ ...renewer, on: bridge }, uplink, addresses, must);
      return { before: [], after: [...handOver(renewer, uplink, bridge), wait] };
    }
    const there = onBridge(renewer, uplink, bridge, addresses);
    const of = { client: renewer.client, on: uplink };
    const stop: Action = { kind: 'stop-renewer', ...of };
    const freeze: Action = goesOn(renewer) ? { kind: 'freeze-renewer', ...of } : stop;
    const start = startOf(there, uplink, renewer);
    const wait = awaitOf(there, uplink, addresses, must);
    return startsByClearing(renewer)
      ? { before: [start, freeze], after: [wait, stop] }
      : { before: [freeze], after: [start, wait, stop] };
  });
}

/** Actions by which they come back, and all that they left behind on the bridge's behalf goes. */
export function comeBack(
  before: UplinkBefore,
  uplink: string,
  bridge: string,
  addresses: readonly Address[],
): Around {
  return around(before, (renewer): Around => {
    if (renewer.client === 'NetworkManager') return { before: [], after: takePortBack(renewer, uplink) };
    if (!renews(renewer)) return { before: [], after: [manageAgain(uplink)] };
    if (renewer.client === 'systemd-networkd') {
      const wait = awaitOf({ ...renewer, on: uplink }, bridge, addresses, false);
      return { before: [], after: [...takeBack(uplink, bridge), wait] };
    }
    const there = onBridge(renewer, uplink, bridge, addresses);
    const here = goesOn(renewer) ? { ...renewer, on: uplink } : withLastLease({ ...renewer, on: uplink });
    const stop: Action = { kind: 'stop-renewer', client: renewer.client, on: bridge };
    const start = startOf(here, bridge, there);
    const wait = awaitOf(here, bridge, addresses, false);
    const tidy = filesOf(there, renewer).map((path): Action => ({ kind: 'remove-file', path }));
    return startsByClearing(renewer)
      ? { before: [start, stop], after: [wait, ...tidy] }
      : { before: [stop], after: [start, wait, ...tidy] };
  });
}

/**
 * Where files for one interface lie: before those that name all of a lab's, since the first by name that matches
 * counts (systemd.network(5)), and in /run, whose files last until the next boot.
 */
const networkFile = (dev: string) => `/run/systemd/network/00-vmnet+${dev}.network`;

const reload = ['networkctl', 'reload'] as const;

const tell = (dev: string, text: string, atOnce = true): Action => ({
  kind: 'tell',
  path: networkFile(dev),
  text: `[Match]\nName=${dev}\n\n${text}`,
  reload: atOnce ? reload : null,
});

/**
 * A port that networkd looks after, it pulls out of its bridge when it starts again. It takes the addresses off an
 * interface that it is told to let be: so that comes when they are on the bridge, and nothing is left to take; where
 * they stay on the port, it learns it when it starts.
 */
const letBe = (uplink: string, atOnce = true): Action => tell(uplink, '[Link]\nUnmanaged=yes\n', atOnce);

const manageAgain = (dev: string): Action => ({ kind: 'tell', path: networkFile(dev), text: null, reload });

const handOver = ({ settings = '' }: Renewer, uplink: string, bridge: string): Action[] => [
  letBe(uplink),
  tell(bridge, settings),
];

/** The bridge first: its lease is given up before the uplink asks for the same again. */
const takeBack = (uplink: string, bridge: string): Action[] => [bridge, uplink].map(manageAgain);

/** Start a client on the bridge again that has ended there. */
export function startAgain(
  renewer: Renewer,
  uplink: string,
  bridge: string,
  addresses: readonly Address[],
): Action[] {
  if (renewer.client === 'systemd-networkd') return handOver(renewer, uplink, bridge);
  const there = onBridge(renewer, uplink, bridge, addresses);
  return [startOf(there, uplink, renewer), awaitOf(there, uplink, addresses, true)];
}

function around(before: UplinkBefore, of: (renewer: Renewer) => Around): Around {
  const all = (before.renewers ?? []).map(of);
  return { before: all.flatMap(one => one.before), after: all.flatMap(one => one.after) };
}

/**
 * udhcpc's script takes all IPv4 addresses off the interface when it starts: that must be over when the host's arrive.
 * BusyBox: d4_run_script_deconfig.
 */
const startsByClearing = ({ client }: Renewer) => client === 'udhcpc';

/** dhcpcd gives its lease up when it learns that the address was gone for a moment, and so has to start anew. */
const goesOn = ({ client }: Renewer) => client !== 'dhcpcd';

/** dhcpcd(8): keeps to the lease that it had where no server answers, instead of taking the address away. */
const withLastLease = (renewer: RenewerRef): RenewerRef =>
  renewer.argv.includes('-E')
    ? renewer
    : { ...renewer, argv: [...renewer.argv.slice(0, 1), '-E', ...renewer.argv.slice(1)] };

const startOf = (renewer: RenewerRef, from: string, { leases }: Renewer): Action => ({
  kind: 'start-renewer',
  client: renewer.client,
  on: renewer.on,
  argv: renewer.argv,
  leases: renewer.leases,
  seed: leases === null ? null : { on: from, path: leases },
});

const awaitOf = (
  { client, on, argv, leases }: RenewerRef,
  instead: string,
  addresses: readonly Address[],
  must: boolean,
): Action => ({
  kind: 'await-renewal',
  ...{ client, on, argv, leases },
  addresses: addresses.map(({ local, prefix }) => `${local}/${prefix}`),
  instead,
  within: must ? LEASED_WITHIN : BACK_WITHIN,
  must,
});
