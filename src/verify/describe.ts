import { table } from '../report/table.js';
import { stackTotal } from './causes/stack.js';
import { macvtapHops } from './macvtap/describe.js';
import type { MacvtapEvidence } from './macvtap/model.js';
import { type Check, isGood, type PathEvidence } from './model.js';

type Path<Evidence> = Check & { readonly evidence: Evidence };

const isPath = (check: Check): check is Path<PathEvidence | MacvtapEvidence> => check.name === 'path';

/** A macvtap passes no bridge. */
export const isMacvtap = (check: Path<PathEvidence | MacvtapEvidence>): check is Path<MacvtapEvidence> =>
  'macvtap' in check.evidence;

/** The proof as people read it: for each NIC the hops from tap to uplink and back, what the host's stack saw, the verdict. */
export function proofTable(checks: readonly Check[]): string {
  const rows = checks.filter(isPath).map(path => {
    const hops = isMacvtap(path) ? macvtapHops(path.evidence) : bridgeHops(path.evidence as PathEvidence);
    return [path.vm, path.nic ?? '', ...hops, path.verdict];
  });
  const header = ['VM', 'NIC', 'tap in', '→ bridge', '→ uplink', 'in', '← LAN', '| host stack', 'verdict'];
  const faults = faultLines(checks);
  return ['', table(header, rows), ...(faults.length > 0 ? ['', ...faults] : []), ''].join('\n');
}

function bridgeHops(evidence: PathEvidence): (string | number)[] {
  const { bridge, uplink, inbound, tap, first } = evidence;
  return [
    `${tap.name} ${tap.received}`,
    `${bridge.name} ${bridge.prerouting}`,
    uplink === null ? '-' : `${uplink.name} ${uplink.captured ?? uplink.egress}`,
    first?.left ? `${first.left.afterUs} µs` : '-',
    inbound === null ? '-' : inbound.toTap,
    stackTotal(evidence),
  ];
}

/** One line for all NICs with the same fault. */
function faultLines(checks: readonly Check[]): string[] {
  const groups = new Map<string, string[]>();
  for (const check of checks.filter(candidate => !isGood(candidate))) {
    const what = `${check.name} ${check.verdict} (${check.reason}): ${check.hint}`;
    const who = `${check.vm}${check.nic === null ? '' : `, NIC ${check.nic}`}`;
    groups.set(what, [...(groups.get(what) ?? []), who]);
  }
  return [...groups].map(([what, who]) => `${who.join('; ')}: ${what}`);
}

/** The one line that a run ends with. `steps` is null for a command that changes nothing. */
export function closingLine(lab: string, steps: number | null, checks: readonly Check[]): string {
  const paths = checks.filter(isPath);
  const direct = paths.filter(check => check.verdict === 'direct').length;
  const done =
    steps === null
      ? []
      : [steps === 0 ? 'nothing to change' : `${steps} ${steps === 1 ? 'step' : 'steps'} done`];
  const proof =
    paths.length === 0
      ? steps === null
        ? [
            checks.length === 0
              ? 'it has no VMs, so there is nothing to check'
              : 'it has no VMs whose path could be proven',
          ]
        : []
      : [`${direct} of ${paths.length} NICs direct`];
  const failed = checks.filter(check => !isGood(check)).length;
  const bad = failed === 0 ? [] : [`${failed} ${failed === 1 ? 'check' : 'checks'} failed`];
  return `${lab}: ${[...done, ...proof, ...bad].join(', ')}`;
}
