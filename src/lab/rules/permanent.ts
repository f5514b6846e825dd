import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { bridgesOf } from './walk.js';

/** Keys that would change a bridge itself; `bridgeNetfilter` is the whole host's. */
const SETTINGS = ['mtu', 'stp', 'forwardDelay', 'multicastSnooping'] as const;

/** A permanent bridge is somebody else's: it stays as it is. */
export function checkPermanent(lab: LooseLab, report: Report): void {
  for (const { name, bridge, path } of bridgesOf(lab)) {
    if (bridge.permanent !== true) continue;
    const keeps = (key: string, own: string) =>
      report(
        [...path, key],
        `the bridge ${quote(name)} is permanent, so it keeps its own ${own}`,
        `take ${quote(key)} out, or "permanent" for a bridge that vmnet makes`,
      );
    if ('address' in bridge && bridge.address !== 'none') keeps('address', 'addresses');
    for (const key of SETTINGS) if (key in bridge) keeps(key, key);
  }
}
