import type { Address, HostState, Link, UplinkBefore } from '../host/model.js';
import { bridgeLines } from './bridge.js';
import { addressLines, inOrder, staticCidrs } from './bridge-addresses.js';
import { asBatch, bridgeAsBefore, dadAsBefore, inherits, noStandIns, release, take } from './enslave.js';
import { sameForwarding } from './forwarding.js';
import { afterMove, identityOf, nothingOn, startAfresh } from './identity.js';
import { byMark, linkNamed, markOf, takenUplink } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';
import { comeBack, follow } from './renewer.js';
import { leave, otherLabs } from './shared.js';
import { isolation } from './tap.js';
import { portVlans } from './vlans.js';

/** Give uplinks back what moved to the bridge, as it stands there now; also says how the host is then. */
export function releaseUplinks(
  lab: string,
  host: HostState,
  bridges: readonly Link[],
  leaves: (uplink: string) => boolean,
): { steps: Step[]; after: HostState } {
  let now = host;
  const alone = bridges.filter(bridge => otherLabs(bridge, lab).length === 0);
  const steps = alone.flatMap(bridge =>
    host.links
      .filter(port => port.master === bridge.name && isUplink(port, lab, host) && leaves(port.name))
      .map(port => {
        const before = beforeOf(port, bridge, lab, host);
        const step = releaseStep(port, bridge, now, before, ownCidrs(bridge, lab, host));
        if (before.moved) now = afterMove(now, bridge.name, port.name);
        now = { ...now, sysctls: { ...now.sysctls, ...before.bridgeSysctls } };
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
  return new Set(recorded ? staticCidrs(recorded) : []);
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
  const identity = {
    ...whole,
    addresses: whole.addresses.filter(address => !isOwn(address) && !address.temporary),
  };
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
      ...release(port, bridge.name, before, identity, host),
      ...bridgeAsBefore(before),
      ...asBatch(addressLines(staying, bridge.name)),
      ...back.after,
    ],
    undo: [
      ...again.before,
      ...asBatch(staying.length > 0 ? [`address flush dev ${bridge.name}`] : startAfresh(whole, bridge.name)),
      ...inherits(before, host),
      ...take(port, bridge.name, before, whole, host),
      ...noStandIns(whole, port.name),
      ...dadAsBefore(host, port.name, before.moved),
      ...again.after,
    ],
  };
}

/** Recorded as one; or, where the record is lost, the port whose MAC is pinned on the bridge. */
function isUplink(port: Link, lab: string, host: HostState): boolean {
  const record = currentRecord(lab, host);
  if (record) return takenUplink(record, port.name) !== undefined;
  return linkNamed(host, port.master ?? '')?.mac === port.mac && port.kind !== 'tun';
}

function beforeOf(port: Link, bridge: Link, lab: string, host: HostState): UplinkBefore {
  return (
    takenUplink(currentRecord(lab, host), port.name) ?? {
      up: true,
      addrGenMode: '0',
      moved: bridge.addresses.length > 0,
    }
  );
}

export interface RemoveOptions {
  /** Taps that will be moved to another bridge; an undo has to bring them back. */
  readonly staying: readonly Link[];
  /** Delete a bridge although ports that vmnet did not make are on it; null where nobody can ask for that. */
  readonly force: boolean | null;
}

/** A bridge goes only when nobody else's ports are left on it. */
export function removeBridges(
  lab: string,
  host: HostState,
  bridges: readonly Link[],
  { staying, force }: RemoveOptions,
  problems: PlanProblem[],
): Step[] {
  return bridges.flatMap(bridge => {
    if (otherLabs(bridge, lab).length > 0) return leave(bridge, lab, host);
    const others = host.links.filter(
      port => port.master === bridge.name && markOf(port, lab) === undefined && !isUplink(port, lab, host),
    );
    if (others.length > 0 && !force) {
      problems.push({
        code: 'conflict',
        message: `the bridge ${bridge.name} is still used by ports that vmnet did not make: ${names(others)}`,
        fix: `Take them off the bridge first (ip link set dev ${others[0]?.name} nomaster)${force === null ? '' : ', or repeat the command with --force, which cuts them off'}.`,
      });
      return [];
    }
    return [
      {
        title: `delete bridge ${bridge.name}`,
        why: others.length > 0 ? `--force: ${names(others)} lose it` : 'nothing is left on it',
        do: [{ kind: 'delete-links', links: [byMark(markOf(bridge, lab) ?? bridge.name)] }],
        undo: [
          {
            kind: 'ip',
            lines: [
              ...sameBridgeAgain(bridge, lab, host),
              ...[...staying, ...others]
                .filter(port => port.master === bridge.name)
                .flatMap(port => [
                  `link set dev ${port.name} master ${bridge.name}`,
                  ...(port.isolated ? [isolation(port.name, true)] : []),
                ]),
            ],
          },
          ...portVlans(
            host,
            [...staying, ...others].filter(port => port.master === bridge.name),
            bridge.bridge?.vlanFiltering ? bridge.name : null,
          ),
          ...sameForwarding(bridge.name, host),
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
  const settings: NonNullable<Link['bridge']> = bridge.bridge ?? {
    stp: false,
    forwardDelay: 0,
    multicastSnooping: true,
  };
  return bridgeLines({
    ...settings,
    name: bridge.name,
    mac: bridge.mac,
    mtu: bridge.mtu,
    vlans: settings.vlanFiltering ? { filtering: true } : null,
    altname,
    alias: bridge.alias ?? altname,
    cidrs: comesBack ? [] : inOrder(bridge.addresses.map(({ local, prefix }) => `${local}/${prefix}`)),
  });
}

const names = (links: readonly Link[]) => links.map(link => link.name).join(', ');
