import type { CapturedFrame } from '../drivers/pcap.js';
import type { Target } from './targets.js';

/** The frames of the hops that these NICs' traffic passes, by name of the device. */
export function framesByHop(
  targets: readonly Target[],
  frames: readonly CapturedFrame[],
  devices: ReadonlyMap<number, string>,
): Map<string, CapturedFrame[]> {
  const hops = new Set(
    targets.flatMap(({ tap, bridge, uplink }) => [tap, bridge, ...(uplink ? [uplink] : [])]),
  );
  const found = new Map([...hops].map(hop => [hop, [] as CapturedFrame[]]));
  for (const frame of frames) found.get(devices.get(frame.ifindex) ?? '')?.push(frame);
  return found;
}
