import type { HostState } from '../host/model.js';
import { DROPS, type Drop } from '../lab/drops.js';
import { isRuled } from '../lab/has.js';
import type { Lab } from '../lab/model.js';
import { tableName } from '../lab/names.js';
import type { Forged, ForgedResult } from './anti-spoof.js';
import type { Check } from './model.js';
import type { Target } from './targets.js';

type Fault = readonly [reason: string, hint: string] | null;

/** Are the rules that the NIC's port has to have those that are loaded? */
export function checkRules(lab: Lab, target: Target, host: HostState, areLoaded: boolean): Check[] {
  const { nic, tap } = target;
  const link = host.links.find(({ name }) => name === tap);
  if (!isRuled(nic) && !nic.isolated) return [];
  const loaded = !isRuled(nic) || areLoaded;
  const fault: Fault = !loaded
    ? [
        'rules-not-loaded',
        `the table ${tableName(lab.name)} of nftables is not as the lab says: run vmnet provision`,
      ]
    : link && link.isolated !== nic.isolated
      ? ['not-isolated', `the port ${tap} is not isolated: run vmnet provision`]
      : null;
  return [
    check('rules', target, fault, { table: tableName(lab.name), loaded, isolated: link?.isolated ?? false }),
  ];
}

/** Forged frames dropped and counted, honest ones let through. */
export function checkForged(target: Target, result: ForgedResult | undefined): Check[] {
  if (result === undefined) return [];
  if ('reason' in result)
    return [
      {
        ...check('anti-spoof', target, ['not-measured', `${result.reason}: is its guest running?`], {}),
        verdict: 'unproven',
      },
    ];
  return [check('anti-spoof', target, faultOf(result.seen, target), { ...result.seen })];
}

function faultOf({ forged, honest, leaked, uncounted }: Forged, { tap }: Target): Fault {
  if (forged.arrived < forged.sent || honest.arrived < honest.sent)
    return [
      'not-measured',
      `only ${forged.arrived + honest.arrived} of ${forged.sent + honest.sent} frames that were sent in its name came in at ${tap}: a filter of tc or netdev takes them; tc filter show dev ${tap} ingress`,
    ];
  if (forged.passed > 0 || (leaked ?? 0) > 0)
    return [
      'forged-passed',
      `${Math.max(forged.passed, leaked ?? 0)} of ${forged.sent} forged frames passed the bridge's entrance: run vmnet provision`,
    ];
  if (uncounted.length > 0)
    return [
      'not-counted',
      `${uncounted.map((kind: Drop) => DROPS[kind]).join('; ')}: dropped, but not by the rule for it; nft list ruleset shows which came first`,
    ];
  if (honest.passed < honest.sent)
    return [
      'honest-dropped',
      `${honest.sent - honest.passed} of ${honest.sent} honest frames were dropped as well; nft list ruleset shows by whom`,
    ];
  return null;
}

const check = (name: Check['name'], { nic }: Target, fault: Fault, evidence: Check['evidence']): Check => ({
  name,
  vm: nic.vm,
  nic: nic.index,
  verdict: fault ? 'failed' : 'ok',
  reason: fault?.[0] ?? null,
  hint: fault?.[1] ?? null,
  evidence,
});
