import type { HostState, Link } from '../host/model.js';
import type { Session } from '../host/session.js';
import type { Bridge, Lab } from '../lab/model.js';
import { bridgeName, linkNamed } from './links.js';
import type { PlanProblem } from './problems.js';
import { moves } from './uplink-fit.js';

// Whoever moves the NIC that their own session runs over should know it, and see what becomes of it.

/** Without a terminal nobody would see that the host is lost: the user has to have said yes. */
export function wouldMoveUnseen(
  bridge: Bridge,
  uplink: Link,
  host: HostState,
  session: Session,
): PlanProblem | null {
  const carried = moves(bridge, uplink) && !session.terminal ? carries(uplink, host, session) : [];
  if (carried.length === 0) return null;
  return {
    code: 'conflict',
    message: `${uplink.name} carries ${carried.join(' and ')}, and there is no terminal on which to see what becomes of it`,
    fix: `${whatHappens(uplink, bridgeName(bridge, host))} Repeat the command with --yes to let it happen; with --confirm SECONDS as well, it is undone unless somebody says that all is well.`,
  };
}

/** The same for every uplink of a lab that has nothing else in its way. */
export const unseenMoves = (lab: Lab, host: HostState, session: Session): PlanProblem[] =>
  movingIn(lab, host).flatMap(({ bridge, uplink }) => wouldMoveUnseen(bridge, uplink, host, session) ?? []);

/** What to say before an uplink moves that the user's own session runs over. */
export const sessionNotes = (lab: Lab, host: HostState, session: Session): string[] =>
  movingIn(lab, host).flatMap(({ bridge, uplink }) => {
    const over = sessionOver(uplink, session);
    return over.length === 0
      ? []
      : [
          `Your session runs over ${uplink.name} (${over.join(', ')}). ${whatHappens(uplink, bridgeName(bridge, host))}`,
        ];
  });

const movingIn = (lab: Lab, host: HostState) =>
  lab.bridges.flatMap(bridge => {
    const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
    const moving = uplink && uplink.master !== bridgeName(bridge, host) && moves(bridge, uplink);
    return moving ? [{ bridge, uplink }] : [];
  });

const whatHappens = (uplink: Link, bridge: string) =>
  `The addresses and routes of ${uplink.name} move to ${bridge} in one batch, within milliseconds; connections go on. A guard puts them back if vmnet dies, or if the gateway and the peers that answered before are not reached again in time (--rollback-after).`;

const sessionOver = (uplink: Link, session: Session): string[] =>
  session.addresses.filter(address => uplink.addresses.some(({ local }) => local === address));

function carries(uplink: Link, host: HostState, session: Session): string[] {
  const leaves = host.routes.some(
    route =>
      route.dst === 'default' &&
      (route.dev === uplink.name || route.nexthops.some(({ dev }) => dev === uplink.name)),
  );
  const over = sessionOver(uplink, session);
  return [
    ...(leaves ? ['the default route'] : []),
    ...(over.length > 0 ? [`the session that you are logged in by (${over.join(', ')})`] : []),
  ];
}
