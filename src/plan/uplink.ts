import type { HostState, Link, UplinkBefore } from '../host/model.js';
import type { Session } from '../host/session.js';
import type { Bridge, Lab } from '../lab/model.js';
import {
  asBatch,
  bridgeAsBefore,
  dadAsBefore,
  genModePath,
  inheritSysctls,
  noStandIns,
  release,
  take,
} from './enslave.js';
import { afterMove, identityOf, nothingOn, startAfresh } from './identity.js';
import { bridgeName, linkNamed, marked, takenUplink } from './links.js';
import type { Action, Step } from './model.js';
import { currentRecords } from './netfilter.js';
import type { PlanProblem } from './problems.js';
import { comeBack, follow, lettingBe, movable, renews, startAgain } from './renewer.js';
import { inherited } from './sysctls.js';
import { absent, count, moves, riskOf, unfit } from './uplink-fit.js';
import { wouldMoveUnseen } from './uplink-session.js';

export interface UplinkOptions {
  /** Go on although an address would run out, or become unreachable. */
  readonly yes: boolean;
  /** Who is moving it; null where nobody asks. */
  readonly session: Session | null;
}

/**
 * Enslave each uplink that is not a port of its bridge yet.
 * @param released the host as the uplinks that were released before leave it
 */
export function planUplinks(
  lab: Lab,
  host: HostState,
  released: HostState,
  options: UplinkOptions,
  problems: PlanProblem[],
): Step[] {
  // Each move is planned on the host as the moves before it leave it: a route or rule may name two uplinks.
  let now = released;
  return lab.bridges.flatMap(bridge => {
    if (bridge.uplink === null) return [];
    const uplink = linkNamed(host, bridge.uplink);
    const problem = uplink ? unfit(bridge, uplink, host) : absent(bridge, bridge.uplink, host);
    if (problem) problems.push(problem);
    if (!uplink || problem) return [];
    if (uplink.master === bridgeName(bridge, host)) {
      // A port of somebody else's bridge that we did not put there is theirs, too.
      const up = bridge.permanent ? [] : bringUp(uplink);
      return [...up, ...renewAgain(lab.name, uplink, linkNamed(host, uplink.master), host)];
    }
    const risk = options.yes ? null : riskOf(bridge, uplink, host);
    // A yes to what would be lost is one to the move, too: say what that is.
    const unseen = risk && options.session && wouldMoveUnseen(bridge, uplink, host, options.session);
    if (risk)
      problems.push(
        unseen
          ? {
              ...risk,
              fix: `${risk.fix}
Besides, ${unseen.message}. ${unseen.fix}`,
            }
          : risk,
      );
    const step = enslave(bridge, uplink, now);
    if (moves(bridge, uplink)) now = afterMove(now, uplink.name, bridgeName(bridge, host));
    return [step];
  });
}

/** The uplinks that {@link planUplinks} takes the identity of. */
export const movesOf = (lab: Lab, host: HostState): { from: string; to: string }[] =>
  lab.bridges.flatMap(bridge => {
    const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
    const to = bridgeName(bridge, host);
    return uplink && uplink.master !== to && moves(bridge, uplink) ? [{ from: uplink.name, to }] : [];
  });

function bringUp(uplink: Link): Step[] {
  if (uplink.up) return [];
  return [
    {
      title: `bring uplink ${uplink.name} up`,
      why: 'it is down',
      do: [{ kind: 'ip', lines: [`link set dev ${uplink.name} up`] }],
      undo: [{ kind: 'ip', lines: [`link set dev ${uplink.name} down`] }],
    },
  ];
}

/** DHCP clients that were moved to the bridge, and have ended there since. */
function renewAgain(lab: string, uplink: Link, bridge: Link | undefined, host: HostState): Step[] {
  const record = currentRecords(host).find(({ name }) => name === lab);
  const runs = (client: string) =>
    host.renewers.some(now => now.client === client && now.on === bridge?.name);
  return (takenUplink(record, uplink.name)?.renewers ?? []).flatMap(renewer =>
    bridge === undefined || !renews(renewer) || runs(renewer.client)
      ? []
      : [
          {
            title: `start ${renewer.client} on ${bridge.name} again`,
            why: `it has ended, and nobody else renews the address that ${uplink.name} had`,
            do: startAgain(renewer, uplink.name, bridge.name, bridge.addresses),
            undo: [{ kind: 'stop-renewer', client: renewer.client, on: bridge.name }],
          },
        ],
  );
}

/** How the uplink is now, for the record. */
export function uplinkBefore(bridge: Bridge, uplink: Link, host: HostState): UplinkBefore {
  const moved = moves(bridge, uplink);
  const to = bridgeName(bridge, host);
  const taken = moved ? inherited(host, uplink.name, to) : [];
  const renewers =
    bridge.type === 'ovs' ? [] : moved ? movable(uplink.name, host) : lettingBe(uplink.name, host);
  return {
    up: uplink.up,
    addrGenMode: host.sysctls[genModePath(uplink.name)] ?? null,
    moved,
    ...(host.lro?.includes(uplink.name) ? { lro: true as const } : {}),
    ...(taken.length > 0
      ? { bridgeSysctls: Object.fromEntries(taken.map(({ path, before }) => [path, before])) }
      : {}),
    ...(!moved && renewers.length > 0 && uplink.addresses.some(({ scope }) => scope !== 'link')
      ? { keepsAddresses: true as const }
      : {}),
    ...(renewers.length > 0 ? { renewers } : {}),
  };
}

function enslave(bridge: Bridge, uplink: Link, host: HostState): Step {
  const name = bridgeName(bridge, host);
  const before = uplinkBefore(bridge, uplink, host);
  const identity = before.moved ? identityOf(host, uplink.name) : nothingOn(uplink.name);
  // A bridge that had no uplink until now, or another one, takes this one's MAC.
  const pinned = marked(host, bridge.altname);
  const pin = (mac: string): Action[] =>
    pinned && pinned.mac !== uplink.mac
      ? [{ kind: 'ip', lines: [`link set dev ${name} address ${mac}`] }]
      : [];
  const there = follow(before, uplink.name, name, identity.addresses, true);
  const back = comeBack(before, uplink.name, name, identity.addresses);
  const clients = (before.renewers ?? []).filter(renews).map(({ client }) => client);
  return {
    title: `enslave ${uplink.name} to ${name}`,
    why: before.moved
      ? `it leads to the network; its ${count(identity.addresses.length, 'address', 'addresses')} and ${count(identity.routes.length, 'route')} move to the bridge in the same batch${clients.length > 0 ? `, and ${clients.join(' and ')}, which renews a lease, goes with them` : ''}`
      : 'it leads to the network; no addresses move',
    do: [
      ...pin(uplink.mac),
      ...(before.moved ? inheritSysctls(host, uplink.name, name) : []),
      ...there.before,
      ...take(uplink, name, before, identity, host),
      ...there.after,
    ],
    undo: [
      ...back.before,
      ...asBatch(startAfresh(identity, uplink.name)),
      ...release(uplink, name, before, identity, host),
      ...noStandIns(identity, name),
      ...dadAsBefore(host, name, before.moved),
      ...bridgeAsBefore(before),
      ...pin(pinned?.mac ?? ''),
      ...back.after,
    ],
  };
}
