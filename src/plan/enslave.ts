import type { HostState, Link, UplinkBefore } from '../host/model.js';
import { isFromMac } from './advertised.js';
import { type Identity, type MoveLines, moveIdentity, standInsOf } from './identity.js';
import type { Action } from './model.js';
import { inherited } from './sysctls.js';

// How an uplink becomes a bridge's port, and comes back: the same actions serve a step, its undo, and destroy.

/** Actions that make an uplink a port of a bridge and move an identity there. */
export function take(
  { name: uplink, mac }: Link,
  bridge: string,
  before: UplinkBefore,
  identity: Identity,
  host: HostState,
): Action[] {
  const move = moveIdentity(identity, uplink, bridge);
  const lines = [
    // Else the kernel gives the port a link-local address again as soon as it lost its own.
    ...(before.addrGenMode === null ? [] : [`link set dev ${uplink} addrgenmode none`]),
    ...move.first,
    ...move.leave,
    `link set dev ${uplink} master ${bridge}`,
    ...(before.up ? [] : [`link set dev ${uplink} up`]),
    ...move.arrive,
    ...(makesLinkLocal(before, identity, mac) ? [`link set dev ${bridge} addrgenmode eui64`] : []),
  ];
  return [
    ...withoutDad(host, uplink, bridge, before.moved, batches(lines, move)),
    ...untilHeard(identity, bridge),
  ];
}

/**
 * Does the kernel give the bridge the very link-local address that moves there? Then it may go on doing so; else it
 * would have a second one.
 */
const makesLinkLocal = (before: UplinkBefore, { addresses }: Identity, mac: string) =>
  before.moved &&
  before.addrGenMode === EUI64 &&
  addresses.some(address => address.scope === 'link' && isFromMac(address, mac));

const batches = (lines: readonly string[], { arrive6, late }: MoveLines): Action[] => [
  { kind: 'ip', lines },
  ...sixth(arrive6),
  ...asBatch(late),
];

/** Whatever stands in for routes that routers advertise stands back once they have. */
function untilHeard(identity: Identity, dev: string): Action[] {
  const standIns = standInsOf(identity, dev);
  return standIns.length > 0 ? [{ kind: 'routers', dev, standIns }] : [];
}

/**
 * Actions that free an uplink and give it an identity: the undo of {@link take} with what the uplink had, destroy's
 * step with what the bridge has now.
 */
export function release(
  { name: uplink, mac }: Link,
  bridge: string,
  before: UplinkBefore,
  identity: Identity,
  host: HostState,
): Action[] {
  const move = moveIdentity(identity, bridge, uplink);
  const lines = [
    ...(makesLinkLocal(before, identity, mac) ? [`link set dev ${bridge} addrgenmode none`] : []),
    ...move.first,
    `link set dev ${uplink} nomaster`,
    ...(before.up ? [] : [`link set dev ${uplink} down`]),
    ...move.leave,
    ...move.arrive,
    ...(before.addrGenMode === null
      ? []
      : [`link set dev ${uplink} addrgenmode ${genModeName(before.addrGenMode)}`]),
  ];
  return [
    ...withoutDad(host, uplink, uplink, before.moved, batches(lines, move)),
    ...(before.lro ? [{ kind: 'lro' as const, dev: uplink }] : []),
    ...untilHeard(identity, uplink),
  ];
}

/** For an undo: what may still stand in on the device that a move led to. */
export const noStandIns = (identity: Identity, dev: string): Action[] =>
  sixth(standInsOf(identity, dev).map(({ line }) => line));

/** Lines as an action, unless there are none. */
export const asBatch = (lines: readonly string[]): Action[] =>
  lines.length > 0 ? [{ kind: 'ip', lines }] : [];

const sixth = (lines: readonly string[]): Action[] =>
  lines.length > 0 ? [{ kind: 'ip', family: 6, lines }] : [];

/** Addresses that move were in use a moment ago: duplicate detection would only make them tentative for a second. */
function withoutDad(
  host: HostState,
  uplink: string,
  to: string,
  moving: boolean,
  actions: readonly Action[],
): Action[] {
  const path = dadPath(to);
  const after = host.sysctls[dadPath(uplink)] ?? host.sysctls['net/ipv6/conf/default/accept_dad'];
  if (!moving || after === undefined) return [...actions];
  return [{ kind: 'sysctl', path, value: '0' }, ...actions, { kind: 'sysctl', path, value: after }];
}

/** For an undo: a move that stopped half-way has not put back what it switched off on the device that it led to. */
export function dadAsBefore(host: HostState, to: string, moving: boolean): Action[] {
  const value = host.sysctls[dadPath(to)];
  return moving && value !== undefined ? [{ kind: 'sysctl', path: dadPath(to), value }] : [];
}

export const inheritSysctls = (host: HostState, uplink: string, bridge: string): Action[] =>
  inherited(host, uplink, bridge).map(({ path, value }) => ({ kind: 'sysctl', path, value }));

/** What a bridge took over from an uplink, put back: it may stay without it. */
export const bridgeAsBefore = ({ bridgeSysctls }: UplinkBefore): Action[] =>
  Object.entries(bridgeSysctls ?? {}).map(([path, value]) => ({ kind: 'sysctl', path, value }));

/** For an undo of {@link bridgeAsBefore}: as they are now. */
export const inherits = ({ bridgeSysctls }: UplinkBefore, host: HostState): Action[] =>
  Object.keys(bridgeSysctls ?? {}).flatMap(path => {
    const value = host.sysctls[path];
    return value === undefined ? [] : [{ kind: 'sysctl', path, value }];
  });

const dadPath = (name: string) => `net/ipv6/conf/${name}/accept_dad`;

export const genModePath = (name: string) => `net/ipv6/conf/${name}/addr_gen_mode`;

/** Linux: IN6_ADDR_GEN_MODE_EUI64. */
const EUI64 = '0';

/** ip-link(8)'s words for the sysctl's numbers (Linux: include/uapi/linux/if_link.h, IN6_ADDR_GEN_MODE_*). */
const genModeName = (mode: string) => ['eui64', 'none', 'stable_secret', 'random'][Number(mode)] ?? 'eui64';
