import type { CapturedFrame } from '../../drivers/pcap.js';
import type { HostState } from '../../host/model.js';
import { view } from '../octets.js';
import { parsePacket } from '../packets.js';
import type { Target } from '../targets.js';
import type { WayCounts } from './counters.js';
import type { Runner } from './errands.js';
import type { Departure, Errand, WayOut } from './model.js';
import type { ErrandPlan, Outing } from './outings.js';

/** All that was gathered of ways out. */
export interface Trail {
  readonly outings: readonly Outing[];
  readonly counts: WayCounts;
  readonly runner: Pick<Runner, 'of'>;
  /** null where nothing could be captured. */
  readonly frames: readonly CapturedFrame[] | null;
  readonly host: HostState;
  /** MACs of our ports. */
  readonly ours: ReadonlySet<string>;
}

/** What concerns one NIC; null for one whose bridge is meant to be a plain switch. */
export function wayOf(target: Target, trail: Trail): WayOut | null {
  const outing = trail.outings.find(({ targets }) => targets.includes(target));
  if (!outing) return null;
  const { counts, host } = trail;
  const { mac } = target.nic;
  const errands = outing.errands.map(plan => errandOf(plan, outing, trail));
  const index = host.links.find(({ name }) => name === target.tap)?.index;
  return {
    toHost: {
      entered: counts.get('host_entered', target.tap, mac),
      input: counts.get('host_input', mac),
      stack: counts.get('host_stack', mac),
    },
    outward: counts.get('outward', mac),
    forwarded: departures(counts, 'gone', mac, [outing.bridge]),
    errands,
    foreignPorts: foreignPorts(outing.bridge, host).map(port => ({
      port,
      frames: counts.get('departed', mac, port),
    })),
    cost: {
      routedUs: trail.frames && routedTime(outing, trail.frames, host),
      switchedUs: trail.frames && switchedTime(index, trail.frames, trail.ours),
    },
  };
}

function errandOf(plan: ErrandPlan, outing: Outing, { counts, runner, frames, host }: Trail): Errand {
  const ran = runner.of(plan);
  const left = plan.aims.addresses.flatMap(address =>
    counts
      .of(plan.family === 'ip' ? 'left4' : 'left6', address)
      .map(({ rest: [port = '', source = ''], frames: count }) => ({ port, source, frames: count })),
  );
  return {
    family: plan.family,
    decides: plan.decides,
    from: ran?.from ?? '',
    to: plan.aims.addresses,
    entered: counts.get('errand_entered', plan.mac),
    stack: counts.get('errand_stack', plan.mac),
    forward: counts.get('errand_forward', plan.mac),
    passed: departures(counts, 'gone', plan.mac, [outing.bridge]),
    left,
    captured: frames && plan.aims.byGateway ? errandsOut(plan, frames, outing, host).length : null,
    answers: [...(ran?.answers ?? [])],
  };
}

const departures = (
  counts: WayCounts,
  set: string,
  mac: string,
  except: readonly string[],
): readonly Departure[] =>
  counts
    .of(set, mac)
    .map(({ rest: [port = ''], frames }) => ({ port, frames }))
    .filter(({ port, frames }) => frames > 0 && !except.includes(port));

/** A tap leads to a guest, whoever's it is; any other port without our mark leads out of what we know. */
export const foreignPorts = (bridge: string, { links }: HostState): string[] =>
  links
    .filter(({ master, kind, altnames }) => master === bridge && kind !== 'tun' && !altnames.some(isOurs))
    .map(({ name }) => name);

const isOurs = (altname: string) => altname.startsWith('vmnet.');

interface Sent {
  readonly timeUs: number;
  readonly sequence: number;
}

function errandsOut(
  plan: ErrandPlan,
  frames: readonly CapturedFrame[],
  { link }: Outing,
  host: HostState,
): Sent[] {
  const inside = new Set(
    host.links.filter(({ name, master }) => name === link.name || master === link.name).map(it => it.index),
  );
  return frames
    .filter(({ direction, ifindex }) => direction === 'out' && !inside.has(ifindex))
    .flatMap(frame => echoTo(plan, frame) ?? []);
}

/** Addresses are changed on the way, the sequence number never is. */
function echoTo({ aims }: ErrandPlan, { protocol, data, timeUs }: CapturedFrame): Sent | null {
  const packet = parsePacket(protocol, data);
  if (packet.kind !== 'echo' || packet.reply || !aims.addresses.includes(packet.destination)) return null;
  return { timeUs, sequence: packet.sequence };
}

/** The quickest one: the first has to wait until the next hop is found. */
function routedTime(outing: Outing, frames: readonly CapturedFrame[], host: HostState): number | null {
  const times = outing.errands.flatMap(plan => {
    const entered = new Map(
      frames
        .filter(({ direction, mac }) => direction === 'in' && mac === plan.mac)
        .flatMap(frame => echoTo(plan, frame) ?? [])
        .map(({ sequence, timeUs }) => [sequence, timeUs] as const)
        .reverse(),
    );
    return errandsOut(plan, frames, outing, host).flatMap(({ sequence, timeUs }) => {
      const since = entered.get(sequence);
      return since === undefined || since > timeUs ? [] : [timeUs - since];
    });
  });
  return least(times);
}

/** One of our questions, from our port to the guest's tap, with nothing but the bridge between them. */
function switchedTime(
  tap: number | undefined,
  frames: readonly CapturedFrame[],
  ours: ReadonlySet<string>,
): number | null {
  const content = ({ data }: CapturedFrame) => view(data).toString('latin1');
  const times = frames
    .filter(it => it.ifindex === tap && it.direction === 'out' && it.mac !== null && ours.has(it.mac))
    .flatMap(out => {
      const came = frames.find(
        it => it.direction === 'in' && it.mac === out.mac && content(it) === content(out),
      );
      return came && came.timeUs <= out.timeUs ? [out.timeUs - came.timeUs] : [];
    });
  return least(times);
}

const least = (times: readonly number[]) => (times.length === 0 ? null : Math.min(...times));
