import type { BridgeSettings } from '../../host/ports.js';
import type { Check } from '../model.js';
import type { Target } from '../targets.js';
import type { SeclusionEvidence } from './seclusion.js';

/** Is a NIC that is to be kept from other such NICs kept from them? */
export function checkIsolation(
  target: Target,
  seen: SeclusionEvidence | null,
  { ports }: BridgeSettings,
): Check[] {
  if (!target.nic.isolated) return [];
  const flag = ports.get(target.tap)?.isolated ?? false;
  return [
    {
      name: 'isolation',
      vm: target.nic.vm,
      nic: target.nic.index,
      ...finding(target, seen, flag),
      evidence: { tap: target.tap, isolated: flag, ...seen },
    },
  ];
}

function finding(
  { tap, bridge }: Target,
  seen: SeclusionEvidence | null,
  flag: boolean,
): Pick<Check, 'verdict' | 'reason' | 'hint'> {
  const failed = (reason: string, hint: string) => ({ verdict: 'failed' as const, reason, hint });
  const on = `bridge link set dev ${tap} isolated on`;
  const [first] = seen?.between ?? [];
  if (first)
    return failed(
      'isolation-leaks',
      `${first.frames} ${first.frames === 1 ? 'frame' : 'frames'} of this guest were handed to ${first.tap}, which is isolated as well: ${flag ? `look at ${first.tap} (bridge -d link), and for another way between them` : on}`,
    );
  if (!flag) return failed('port-not-isolated', `${tap} is no isolated port of ${bridge}: ${on}`);
  if (seen && seen.arrived > 0)
    return failed(
      'isolation-leaks',
      `${seen.arrived} ${seen.arrived === 1 ? 'frame' : 'frames'} from another isolated port of ${bridge} were handed to ${tap}: ${on}`,
    );
  if (seen === null || seen.sent === 0)
    return {
      verdict: 'unproven',
      reason: 'not-attempted',
      hint: `nothing could be sent from an isolated port of ${bridge}, so nothing shows that ${tap} would not get it: run vmnet verify without --passive, and once the bridge forwards`,
    };
  if (seen.fromOthers === 0)
    return {
      verdict: 'unproven',
      reason: 'deaf',
      hint: `${tap} got no frame from an ordinary port of ${bridge} either, so it shows nothing that it got none from an isolated one: look at the path of this NIC`,
    };
  return { verdict: 'ok', reason: null, hint: null };
}
