import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { bridgesOf } from './walk.js';

/** What a bridge is for, and what it is connected to, must agree. */
export function checkModes(lab: LooseLab, report: Report): void {
  for (const { name, bridge, path } of bridgesOf(lab)) {
    // What it cannot be is told with the rest about Open vSwitch.
    if (bridge.type === 'ovs') continue;
    const { mode, uplink } = bridge;
    if (bridge.docker === 'allow' && mode !== 'nat' && mode !== 'routed')
      report(
        [...path, 'docker'],
        `the host forwards nothing of the bridge ${quote(name)}, so Docker cannot drop it`,
        'take "docker" out, or choose "mode": "nat" or "routed"',
      );
    if (mode === undefined) continue;
    if (mode === 'bridged' && uplink === undefined && bridge.permanent !== true)
      report(
        [...path, 'mode'],
        `the bridge ${quote(name)} is to be bridged, but to no network`,
        'name the physical interface: "uplink": "eth0", or choose "isolated", "nat" or "routed"',
      );
    if (mode === 'bridged') continue;
    if (mode !== 'isolated' && bridge.address === 'none')
      report(
        [...path, 'address'],
        `the bridge ${quote(name)} has mode "${mode}", so the host needs an address on it, which is the guests' way out`,
        'give it one with its prefix, such as "address": "10.77.0.1/24", write "auto" for a free subnet, or choose "mode": "isolated"',
      );
    if (uplink !== undefined)
      report(
        [...path, 'uplink'],
        `the bridge ${quote(name)} has mode "${mode}", so no physical interface may be a port of it`,
        'take "uplink" out, or choose "mode": "bridged"',
      );
    if (bridge.permanent === true)
      report(
        [...path, 'mode'],
        `the bridge ${quote(name)} is permanent, so vmnet does not decide what it is for`,
        'take "mode" out, or "permanent" for a bridge that vmnet makes',
      );
  }
}
