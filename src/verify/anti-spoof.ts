import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState } from '../host/model.js';
import { type Drop, dropsOf } from '../lab/drops.js';
import { elementsOf, readDrops } from './drops.js';
import { type Trial, trialsOf } from './forged.js';
import { ownMac } from './station.js';
import type { Target } from './targets.js';

/** What became of the frames that were sent in the name of a NIC's guest. */
export interface Forged {
  /** Sent, and how many of those came in at the bridge, of both sorts. */
  readonly forged: { readonly sent: number; readonly arrived: number; readonly passed: number };
  readonly honest: { readonly sent: number; readonly arrived: number; readonly passed: number };
  /** Forged frames seen to leave by another port; null where nothing could be captured. */
  readonly leaked: number | null;
  /** What the rules counted meanwhile; the guest's own may be among them. */
  readonly dropped: Readonly<Partial<Record<Drop, number>>>;
  /** Kinds of which the rule's own counter did not tell. */
  readonly uncounted: readonly Drop[];
}

/** NICs that are measured, and why others are not. */
export type ForgedResult = { readonly seen: Forged } | { readonly reason: string };

const SETTLE_MS = 200;

/** All that is forged but BPDUs and other protocols, which the counters alone tell of. */
const FILTER = 'arp or icmp or icmp6 or (udp and (port 67 or port 68 or port 546 or port 547))';

/** Is there anything that the port drops for what it is, and not for how much? */
export const hasForgeries = ({ nic }: Target) => dropsOf(nic).some(kind => kind !== 'rate');

/**
 * Forged frames at each tap's ingress, as if its guest had sent them: by a port of ours whose frames tc hands over to
 * the taps. Counted where they come in, at the lab's own rules, and behind all rules; and captured wherever they leave.
 */
export async function sendForged(
  lab: string,
  targets: readonly Target[],
  host: HostState,
  drivers: Drivers,
): Promise<Map<Target, ForgedResult>> {
  const results = new Map<Target, ForgedResult>();
  const sites = targets.filter(hasForgeries).flatMap(target => {
    const link = host.links.find(({ name }) => name === target.tap);
    const reason = silence(link?.portState ?? null);
    if (reason !== null) results.set(target, { reason });
    return reason === null ? [siteOf(target)] : [];
  });
  if (sites.length === 0) return results;
  const port = await drivers.port.open(`vmf${randomBytes(5).toString('hex')}`);
  const table = `vmnet_forged_${process.pid}`;
  let counters: Awaited<ReturnType<Drivers['nft']['own']>> | null = null;
  try {
    await drivers.ip.batch([`link set dev ${port.name} addrgenmode none`, `link set dev ${port.name} up`]);
    const refused = await lead(port.name, sites, drivers);
    if (refused !== null) {
      for (const { target } of sites) results.set(target, { reason: refused });
      return results;
    }
    counters = await drivers.nft.own(script(table, sites));
    const capture = await drivers.capture.start({
      filter: FILTER,
      keep: ({ data, direction }) => direction === 'out' && sites.some(({ tag }) => isTagged(data, tag)),
    });
    const before = await readDrops(lab, drivers);
    for (const { trials } of sites) {
      for (const { frame } of trials) port.send(frame);
      await sleep(1);
    }
    await sleep(SETTLE_MS);
    const [after, passed] = [await readDrops(lab, drivers), await readMarks(table, drivers)];
    const frames = 'close' in capture ? await capture.close() : null;
    for (const site of sites) {
      const { target, trials, forged, honest, tag } = site;
      const count = (to: string, set: string) => passed.get(`${set} ${to}`) ?? 0;
      const kinds = trials.flatMap(({ kind }) => kind ?? []);
      const grown = (kind: Drop) =>
        (after.get(target.tap)?.[kind] ?? 0) - (before.get(target.tap)?.[kind] ?? 0);
      const told = (to: string, sent: number) => ({
        sent,
        arrived: count(to, 'arrived'),
        passed: count(to, 'passed'),
      });
      results.set(target, {
        seen: {
          forged: told(forged, kinds.length),
          honest: told(honest, trials.length - kinds.length),
          leaked: frames === null ? null : frames.filter(({ data }) => isTagged(data, tag)).length,
          dropped: Object.fromEntries(kinds.map(kind => [kind, grown(kind)])),
          uncounted: kinds.filter(kind => grown(kind) < 1),
        },
      });
    }
    return results;
  } finally {
    port.close();
    await counters?.close();
  }
}

interface Site {
  readonly target: Target;
  /** Destinations that nobody has: by them the frames are told apart. */
  readonly forged: string;
  readonly honest: string;
  readonly tag: Uint8Array;
  readonly trials: readonly Trial[];
}

function siteOf(target: Target): Site {
  const [forged, honest] = [ownMac(), ownMac()];
  const tag = randomBytes(8);
  return { target, forged, honest, tag, trials: trialsOf(target.nic, { forged, honest }, tag) };
}

/** A port that is not forwarding takes no frame, forged or not. */
const silence = (state: string | null) =>
  state === 'forwarding'
    ? null
    : `its tap is ${state ?? 'no port of a bridge'}, so no frame can come in there`;

/** Null, or why tc does not. The filters are on our own port and go with it. */
async function lead(port: string, sites: readonly Site[], drivers: Drivers): Promise<string | null> {
  const filter = (to: string, tap: string) =>
    `filter add dev ${port} ingress protocol all u32 match ether dst ${to} action mirred ingress redirect dev ${tap}`;
  const lines = sites.flatMap(({ forged, honest, target: { tap } }) => [
    filter(forged, tap),
    filter(honest, tap),
  ]);
  try {
    const input = [`qdisc add dev ${port} clsact`, ...lines, ''].join('\n');
    await drivers.run('tc', ['-batch', '-'], { input, ownSession: true });
    return null;
  } catch (error) {
    if (error instanceof VmnetError)
      return `tc cannot redirect frames (clsact, u32, mirred): ${error.message}`;
    throw error;
  }
}

/** One line: nft reads whole commands. Before every other chain of the bridge's entrance, and after all of them. */
function script(table: string, sites: readonly Site[]): string {
  const macs = sites.flatMap(({ forged, honest }) => [forged, honest]).join(', ');
  const set = (name: string) => `set ${name} { type ether_addr; counter; elements = { ${macs} }; };`;
  const chain = (name: string, priority: number) =>
    `chain ${name}_chain { type filter hook prerouting priority ${priority}; ether daddr @${name}; };`;
  return `table bridge ${table} { flags owner; ${set('arrived')} ${set('passed')} ${chain('arrived', -400)} ${chain('passed', 400)} }`;
}

async function readMarks(table: string, drivers: Drivers): Promise<Map<string, number>> {
  return new Map(
    elementsOf(await drivers.nft.sets(), table).map(({ set, value, packets }) => [
      `${set} ${value}`,
      packets,
    ]),
  );
}

const isTagged = (data: Uint8Array, tag: Uint8Array) => Buffer.from(data).includes(Buffer.from(tag));
