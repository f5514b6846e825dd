import type { HostState, Link, UplinkBefore } from '../host/model.js';
import { identityOf, nothingOn } from './identity.js';
import { byMark, linkNamed, markOf } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';
import { release } from './uplink.js';

/** One step for all taps: they go in one group deletion. */
export function removeTaps(taps: readonly Link[], lab: string, why: string): Step[] {
  if (taps.length === 0) return [];
  const names = taps.map(tap => tap.name);
  const shown =
    names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  return [
    {
      title: `delete ${taps.length === 1 ? 'tap' : `${taps.length} taps`} ${shown}`,
      why,
      do: [{ kind: 'delete-links', links: taps.map(tap => byMark(markOf(tap, lab) ?? tap.name)) }],
      undo: [],
    },
  ];
}

/** Give uplinks back what moved to the bridge, as it stands there now. */
export function releaseUplinks(
  lab: string,
  host: HostState,
  bridges: readonly Link[],
  leaves: (uplink: string) => boolean,
): Step[] {
  return bridges.flatMap(bridge =>
    host.links
      .filter(port => port.master === bridge.name && isUplink(port, lab, host) && leaves(port.name))
      .map(port => releaseStep(port, bridge, host, beforeOf(port, bridge, lab, host))),
  );
}

function releaseStep(port: Link, bridge: Link, host: HostState, before: UplinkBefore): Step {
  const identity = before.moved ? identityOf(host, bridge.name) : nothingOn(bridge.name);
  return {
    title: `release ${port.name} from ${bridge.name}`,
    why: before.moved ? 'addresses and routes of the bridge go back to it' : 'it was no port before',
    do: release(port.name, bridge.name, before, identity, host),
    undo: [],
  };
}

/** Recorded as one; or, where the record is lost, the port whose MAC is pinned on the bridge. */
function isUplink(port: Link, lab: string, host: HostState): boolean {
  const record = currentRecord(lab, host);
  if (record) return port.name in record.uplinks;
  return linkNamed(host, port.master ?? '')?.mac === port.mac && port.kind !== 'tun';
}

function beforeOf(port: Link, bridge: Link, lab: string, host: HostState): UplinkBefore {
  return (
    currentRecord(lab, host)?.uplinks[port.name] ?? {
      up: true,
      addrGenMode: '0',
      moved: bridge.addresses.length > 0,
    }
  );
}

/** A bridge goes only when nobody else's ports are left on it. */
export function removeBridges(
  lab: string,
  host: HostState,
  bridges: readonly Link[],
  problems: PlanProblem[],
): Step[] {
  return bridges.flatMap(bridge => {
    const others = host.links.filter(
      port => port.master === bridge.name && markOf(port, lab) === undefined && !isUplink(port, lab, host),
    );
    if (others.length > 0) {
      problems.push({
        code: 'conflict',
        message: `the bridge ${bridge.name} is still used by ports that vmnet did not make: ${others.map(port => port.name).join(', ')}`,
        fix: `Take them off the bridge first: ip link set dev ${others[0]?.name} nomaster`,
      });
      return [];
    }
    return [
      {
        title: `delete bridge ${bridge.name}`,
        why: 'nothing is left on it',
        do: [{ kind: 'delete-links', links: [byMark(markOf(bridge, lab) ?? bridge.name)] }],
        undo: [],
      },
    ];
  });
}
