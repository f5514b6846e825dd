import type { Drivers } from '../drivers/drivers.js';
import type { HostState } from '../host/model.js';
import { parseCidr } from '../lab/cidr.js';
import { isIn } from './addresses.js';
import { type Counts, entryKey } from './counters.js';
import type { KnownAddress } from './known.js';
import { type Captured, leftAtSize } from './sightings.js';
import type { Stimulus } from './stimulus.js';
import type { Target } from './targets.js';

// Guests are asked round after round, until each has shown what is to be seen of it, or patience ends.

export interface ProveOptions {
  /** Milliseconds to wait for guests that have not spoken yet. */
  readonly patienceMs: number;
  /** Only listen: send nothing. */
  readonly passive?: boolean;
  readonly signal: AbortSignal | null;
  readonly tell: (line: string) => void;
}

/** What has been seen so far. */
export interface Look {
  readonly counts: Counts;
  readonly captured: Captured | null;
}

export interface Eyes {
  readonly read: () => Promise<Look>;
  readonly host: HostState;
  readonly drivers: Drivers;
}

/** Returns the NICs that showed their way out. */
export async function askUntilSeen(
  targets: readonly Target[],
  stimulus: Stimulus,
  eyes: Eyes,
  { patienceMs, signal, tell }: ProveOptions,
): Promise<readonly Target[]> {
  const deadline = performance.now() + patienceMs;
  let told = 0;
  let waiting = targets;
  for (let round = 1; ; round++) {
    await (round === 1 ? stimulus.askAll() : Promise.all(waiting.map(target => stimulus.ask(target))));
    // Open vSwitch learns our port: only answers to the LAN leave on the uplink.
    await stimulus.askFromLan((round === 1 ? targets : waiting).filter(({ ovs }) => ovs));
    const look = await eyes.read();
    const lost = (target: Target) => !canSendOut(target, stimulus.seenAddresses(target), eyes.host);
    const shown = targets.filter(target => leaves(target, look, eyes.host) && !lost(target));
    waiting = targets.filter(
      target => !shown.includes(target) && (lost(target) || !stuck(target, look, round)),
    );
    if (waiting.length === 0 || performance.now() > deadline || signal?.aborted) return shown;
    if (!(await anyAlive(waiting, eyes.drivers))) return shown;
    if (waiting.length !== told) tell(`${waiting.length} of ${targets.length} NICs not seen yet`);
    told = waiting.length;
  }
}

/** How often a guest that answers is asked for what else has to be seen of it. */
const ROUNDS = 3;

/**
 * Of those whose way out is right: the way in, and frames of full size.
 * @returns the NICs that were asked, with the bytes of an echo request that was sent; null where none could be
 */
export async function askFurther(
  targets: readonly Target[],
  stimulus: Stimulus,
  { read, host }: Eyes,
  { passive, signal }: ProveOptions,
): Promise<Map<Target, number | null>> {
  const asked = new Map<Target, number | null>();
  if (passive) return asked;
  const indexes = new Map(host.links.map(link => [link.name, link.index]));
  const entered = (target: Target, { counts }: Look) =>
    stimulus.noLan(target) !== null || counts.get('passed_to_tap', entryKey(target)) > 0;
  const large = (target: Target, { captured }: Look) => {
    const bytes = asked.get(target) ?? null;
    if (bytes === null || captured === null) return true;
    return leftAtSize(target, indexes.get(target.uplink ?? ''), captured, bytes) > 0;
  };
  let waiting = targets.filter(({ uplink }) => uplink !== null);
  for (let round = 0; round < ROUNDS && waiting.length > 0 && !signal?.aborted; round++) {
    await Promise.all([
      stimulus.askFromLan(waiting),
      ...waiting.map(async target => {
        const bytes = mtuOf(target, host);
        asked.set(target, (bytes && (await stimulus.askSize(target, bytes))?.bytes) ?? null);
      }),
    ]);
    const look = await read();
    waiting = waiting.filter(target => !entered(target, look) || !large(target, look));
  }
  return asked;
}

const mtuOf = ({ tap }: Target, host: HostState) => host.links.find(({ name }) => name === tap)?.mtu ?? null;

/** Has the NIC's unicast gone all the way out? */
export function leaves(target: Target, { counts, captured }: Look, host: HostState): boolean {
  if (counts.get('bridge_prerouting', entryKey(target)) === 0) return false;
  if (target.uplink === null) return counts.get('passed_forward', target.nic.mac) > 0;
  if (counts.get('netdev_egress', target.nic.mac) === 0) return false;
  const uplink = host.links.find(({ name }) => name === target.uplink)?.index;
  return captured === null || captured(uplink, 'out', target.nic.mac).length > 0;
}

/**
 * What a host is to pass on comes from a subnet of its bridge: a guest that has no such address yet, as long as its
 * lease is on the way, speaks to its neighbours alone.
 */
function canSendOut(
  { intent, bridge }: Target,
  known: readonly KnownAddress[],
  { links }: HostState,
): boolean {
  const subnets = (links.find(({ name }) => name === bridge)?.addresses ?? [])
    .filter(({ local }) => !local.startsWith('fe80:'))
    .flatMap(({ local, prefix }) => parseCidr(`${local}/${prefix}`) ?? []);
  if (intent !== 'routed' || subnets.length === 0) return true;
  return known.some(({ address, by }) => by !== 'source' && subnets.some(subnet => isIn(subnet, address)));
}

/** A frame that entered and did not leave within two rounds will not leave. */
const stuck = (target: Target, { counts }: Look, round: number) =>
  round >= 2 && counts.get('bridge_prerouting', entryKey(target)) > 0;

/** Waiting for guests makes sense only as long as one of them runs. */
async function anyAlive(targets: readonly Target[], drivers: Drivers): Promise<boolean> {
  const waited = new Set(targets.flatMap(target => target.domain ?? []));
  if (waited.size === 0) return true;
  const domains = await (await drivers.libvirt()).listDomains();
  return domains.some(({ name, state }) => waited.has(name) && state !== 'shutoff' && state !== 'crashed');
}
