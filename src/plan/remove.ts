import type { Address, HostState, Link, UplinkBefore } from '../host/model.js';
import { addressLines, bridgeLines, inOrder } from './bridge.js';
import { afterMove, identityOf, nothingOn, startAfresh } from './identity.js';
import { byMark, linkNamed, markOf } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';
import { comeBack, follow } from './renewer.js';
import { sameAgain } from './tap.js';
import { asBatch, dadAsBefore, release, take } from './uplink.js';

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
      undo: [{ kind: 'ip', lines: taps.flatMap(tap => sameAgain(tap, markOf(tap, lab) ?? tap.name)) }],
    },
  ];
}

/** Give uplinks back what moved to the bridge, as it stands there now; also says how the host is then. */
export function releaseUplinks(
  lab: string,
  host: HostState,
  bridges: readonly Link[],
  leaves: (uplink: string) => boolean,
): { steps: Step[]; after: HostState } {
  let now = host;
  const steps = bridges.flatMap(bridge =>
    host.links
      .filter(port => port.master === bridge.name && isUplink(port, lab, host) && leaves(port.name))
      .map(port => {
        const before = beforeOf(port, bridge, lab, host);
        const step = releaseStep(port, bridge, now, before, ownCidrs(bridge, lab, host));
        if (before.moved) now = afterMove(now, bridge.name, port.name);
        return step;
      }),
  );
  return { steps, after: now };
}

/** Addresses that the lab itself gave the bridge: they go with it. */
function ownCidrs(bridge: Link, lab: string, host: HostState): ReadonlySet<string> {
  const recorded = currentRecord(lab, host)?.lab.bridges.find(({ altname }) =>
    bridge.altnames.includes(altname),
  );
  return new Set(recorded?.address.mode === 'static' ? recorded.address.cidrs : []);
}

function releaseStep(
  port: Link,
  bridge: Link,
  host: HostState,
  before: UplinkBefore,
  own: ReadonlySet<string>,
): Step {
  const whole = before.moved ? identityOf(host, bridge.name) : nothingOn(bridge.name);
  const isOwn = ({ local, prefix }: Address) => own.has(`${local}/${prefix}`);
  const identity = { ...whole, addresses: whole.addresses.filter(address => !isOwn(address)) };
  // The others' flush takes them along; the bridge may stay.
  const flushed = identity.addresses.length > 0 ? whole.addresses.filter(isOwn) : [];
  const staying = flushed.map(({ local, prefix }) => `${local}/${prefix}`);
  const back = comeBack(before, port.name, bridge.name, identity.addresses);
  const again = follow(before, port.name, bridge.name, whole.addresses, false);
  return {
    title: `release ${port.name} from ${bridge.name}`,
    why: before.moved ? 'addresses and routes of the bridge go back to it' : 'it was no port before',
    do: [
      ...back.before,
      ...release(port.name, bridge.name, before, identity, host),
      ...asBatch(addressLines(staying, bridge.name)),
      ...back.after,
    ],
    undo: [
      ...again.before,
      ...asBatch(staying.length > 0 ? [`address flush dev ${bridge.name}`] : startAfresh(whole, bridge.name)),
      ...take(port.name, bridge.name, before, whole, host),
      ...dadAsBefore(host, port.name, before.moved),
      ...again.after,
    ],
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

/**
 * A bridge goes only when nobody else's ports are left on it.
 * @param staying taps that will be moved to another bridge; an undo has to bring them back
 */
export function removeBridges(
  lab: string,
  host: HostState,
  bridges: readonly Link[],
  staying: readonly Link[],
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
        undo: [
          {
            kind: 'ip',
            lines: [
              ...sameBridgeAgain(bridge, lab, host),
              ...staying
                .filter(port => port.master === bridge.name)
                .map(port => `link set dev ${port.name} master ${bridge.name}`),
            ],
          },
        ],
      },
    ];
  });
}

/** Lines that make a bridge again as it was observed; with an identity that moved here, all addresses come back with its uplink. */
function sameBridgeAgain(bridge: Link, lab: string, host: HostState): string[] {
  const altname = markOf(bridge, lab) ?? bridge.name;
  const comesBack = host.links.some(
    port =>
      port.master === bridge.name && isUplink(port, lab, host) && beforeOf(port, bridge, lab, host).moved,
  );
  const settings = bridge.bridge ?? { stp: false, forwardDelay: 0, multicastSnooping: true };
  return bridgeLines({
    ...settings,
    name: bridge.name,
    mac: bridge.mac,
    mtu: bridge.mtu,
    altname,
    alias: bridge.alias ?? altname,
    cidrs: comesBack ? [] : inOrder(bridge.addresses.map(({ local, prefix }) => `${local}/${prefix}`)),
  });
}
