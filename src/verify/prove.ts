import { type Capture, isCapture } from '../drivers/capture.js';
import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import type { CapturedFrame } from '../drivers/pcap.js';
import { number, object, string } from '../host/json.js';
import type { HostState } from '../host/model.js';
import { type BridgeSettings, parseBridgeSettings } from '../host/ports.js';
import { bare } from '../lab/cidr.js';
import { type Counts, counterScript, entryKey, parseCounts, uplinkKey } from './counters.js';
import { type Gathered, evidenceOf } from './evidence.js';
import type { PathEvidence } from './model.js';
import { byPlace } from './sightings.js';
import { makeStimulus, type Stimulus } from './stimulus.js';
import type { Target } from './targets.js';

export interface ProveOptions {
  /** Milliseconds to wait for guests that have not spoken yet. */
  readonly patienceMs: number;
  /** Only listen: send nothing. */
  readonly passive?: boolean;
  readonly signal: AbortSignal | null;
  readonly tell: (line: string) => void;
}

export interface Proof {
  readonly evidence: ReadonlyMap<Target, PathEvidence>;
  readonly settings: BridgeSettings;
  /** All that was captured, in order. */
  readonly frames: readonly CapturedFrame[];
  /** Why nothing could be captured; null where it could. */
  readonly noCapture: string | null;
}

/** Count, make the guests speak, look, until every NIC has shown its path or patience ends. */
export async function prove(
  targets: readonly Target[],
  host: HostState,
  drivers: Drivers,
  options: ProveOptions,
): Promise<Proof> {
  const table = `vmnet_proof_${process.pid}`;
  const names = new Set(targets.map(target => target.bridge));
  const own = host.links.filter(link => names.has(link.name)).map(link => link.mac);
  const hooked = hookable(targets, host);
  const macs = new Set([...targets.map(({ nic }) => nic.mac), ...own]);
  const [before, capture, counters] = await Promise.all([
    drivers.ip.links({ stats: true }),
    drivers.capture.start({ keep: ({ mac }) => mac !== null && (macs.has(mac) || sent.has(mac)) }),
    drivers.nft.own(counterScript(table, hooked, own)),
  ]);
  const sent = new Set<string>();
  try {
    const stimulus = await makeStimulus(drivers, hooked, addressesInUse(targets, host), {
      passive: options.passive ?? false,
    });
    if (stimulus.lanMac) sent.add(stimulus.lanMac);
    try {
      const read = async () => parseCounts(table, await drivers.nft.sets());
      const seen = isCapture(capture) ? capture : null;
      await askUntilSeen(hooked, stimulus, { read, capture: seen, host, drivers }, options);
      return await gather(targets, hooked, stimulus, capture, { read, before, own, drivers });
    } finally {
      await stimulus.close();
    }
  } finally {
    await Promise.all([counters.close(), isCapture(capture) ? capture.close() : null]);
  }
}
