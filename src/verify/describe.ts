import type { Crossed } from '../drivers/wire.js';
import { table } from '../report/table.js';
import { stackTotal } from './causes/stack.js';
import { macvtapHops } from './macvtap/describe.js';
import type { MacvtapEvidence } from './macvtap/model.js';
import { type Check, isGood, type PathEvidence } from './model.js';
import type { Departure, WayOut } from './way/model.js';

type Path<Evidence> = Check & { readonly evidence: Evidence };

/** One whose cable is pulled on purpose has no path. */
const isPath = (check: Check): check is Path<PathEvidence | MacvtapEvidence> =>
  check.name === 'path' && !('link' in check.evidence);

const pulled = ({ evidence }: Check) => [
  'tap' in evidence ? String(evidence.tap) : '-',
  '-',
  '-',
  '-',
  '-',
  '-',
];

/** A macvtap passes no bridge. */
export const isMacvtap = (check: Path<PathEvidence | MacvtapEvidence>): check is Path<MacvtapEvidence> =>
  'macvtap' in check.evidence;

/** The proof as people read it: for each NIC the hops from tap to uplink and back, what the host's stack saw, the verdict. */
export function proofTable(checks: readonly Check[]): string {
  const rows = checks
    .filter(({ name }) => name === 'path')
    .map(path => {
      if (!isPath(path)) return [path.vm, path.nic ?? '', ...pulled(path), path.verdict];
      const hops = isMacvtap(path) ? macvtapHops(path.evidence) : bridgeHops(path.evidence as PathEvidence);
      return [path.vm, path.nic ?? '', ...hops, path.verdict];
    });
  const header = ['VM', 'NIC', 'tap in', '→ bridge', '→ uplink', 'in', '← LAN', '| host stack', 'verdict'];
  const faults = faultLines(checks);
  const proof = rows.length > 0 || checks.length === 0 ? [table(header, rows)] : [];
  return [
    '',
    ...proof,
    ...linkLines(checks),
    ...serviceLines(checks),
    ...(faults.length > 0 ? ['', ...faults] : []),
    '',
  ].join('\n');
}

/** One line for each bridge on which DHCP and DNS were asked for. */
function serviceLines(checks: readonly Check[]): string[] {
  const bridges = new Set(checks.flatMap(({ bridge }) => bridge ?? []));
  const lines = [...bridges].map(bridge =>
    [
      `${bridge}:`,
      checks
        .filter(check => check.bridge === bridge)
        .map(({ name, verdict }) => `${name} ${verdict}`)
        .join(', '),
    ].join(' '),
  );
  return lines.length > 0 ? ['', ...lines] : [];
}

/** What each direct link carried. */
const linkLines = (checks: readonly Check[]): string[] => {
  const links = checks.filter(({ name }) => name === 'link');
  if (links.length === 0) return [];
  const row = ({ vm, evidence, verdict }: Check) => {
    const { there, back } = evidence as { there?: Crossed; back?: Crossed };
    const told = (crossed: Crossed | undefined) => (crossed ? `${crossed.received} of ${crossed.sent}` : '-');
    return [vm, told(there), told(back), verdict];
  };
  return ['', table(['link', '→ frames', '← frames', 'verdict'], links.map(row))];
};
function bridgeHops(evidence: PathEvidence): (string | number)[] {
  const { bridge, inbound, tap, way } = evidence;
  return [
    `${tap.name} ${tap.received}`,
    `${bridge.name} ${bridge.prerouting}`,
    ...out(evidence),
    inbound === null ? '-' : inbound.toTap,
    stackTotal(evidence) + (way?.toHost.input ?? 0),
  ];
}

/** What left and by which device, and how long that took. */
function out({ uplink, first, way }: PathEvidence): [string, string] {
  if (way !== null) {
    const last = waysOut(way).at(0);
    const { routedUs } = way.cost;
    return [last ? `${last.port} ${last.frames}` : '-', routedUs === null ? '-' : `${routedUs} µs`];
  }
  return [
    uplink === null ? '-' : `${uplink.name} ${uplink.captured ?? uplink.egress}`,
    first?.left ? `${first.left.afterUs} µs` : '-',
  ];
}

/** Of an isolated NIC, what has leaked; of a routed one, what went out as it should. */
const waysOut = ({ foreignPorts, errands, forwarded }: WayOut): readonly Departure[] => [
  ...foreignPorts,
  ...errands.flatMap(({ left, passed }) => (left.length > 0 ? left : passed)),
  ...forwarded,
];

/** One line for all NICs with the same fault. */
function faultLines(checks: readonly Check[]): string[] {
  const groups = new Map<string, string[]>();
  for (const check of checks.filter(candidate => !isGood(candidate))) {
    const what = `${check.name} ${check.verdict} (${check.reason}): ${check.hint}`;
    const who = `${check.bridge ?? check.vm}${check.nic === null ? '' : `, NIC ${check.nic}`}`;
    groups.set(what, [...(groups.get(what) ?? []), who]);
  }
  return [...groups].map(([what, who]) => `${who.join('; ')}: ${what}`);
}

/** A macvtap's frames are always meant to go straight out. */
const intentIn = (path: Path<PathEvidence | MacvtapEvidence>) =>
  'intent' in path.evidence ? path.evidence.intent : 'direct';

/** `2 of 3 NICs direct`, and the same of whatever else the lab means; without NICs, of all checks. */
export function proven(checks: readonly Check[]): string {
  const paths = checks.filter(isPath);
  if (paths.length === 0 && checks.length > 0)
    return `${checks.filter(isGood).length} of ${checks.length} checks ok`;
  const intents = [...new Set(paths.map(intentIn))];
  return (intents.length > 0 ? intents : ['direct'])
    .map(intent => {
      const meant = paths.filter(path => intentIn(path) === intent);
      return `${meant.filter(isGood).length} of ${meant.length} NICs ${intent}`;
    })
    .join(', ');
}

/** The one line that a run ends with. `steps` is null for a command that changes nothing. */
export function closingLine(lab: string, steps: number | null, checks: readonly Check[]): string {
  const paths = checks.filter(isPath);
  const done =
    steps === null
      ? []
      : [steps === 0 ? 'nothing to change' : `${steps} ${steps === 1 ? 'step' : 'steps'} done`];
  const proof =
    paths.length === 0
      ? steps === null && checks.length === 0
        ? ['it has no VMs, so there is nothing to check']
        : []
      : [proven(checks)];
  const links = checks.filter(({ name }) => name === 'link');
  const carrying =
    links.length === 0 ? [] : [`${links.filter(isGood).length} of ${links.length} links carry`];
  const failed = checks.filter(check => !isGood(check)).length;
  const bad = failed === 0 ? [] : [`${failed} ${failed === 1 ? 'check' : 'checks'} failed`];
  return `${lab}: ${[...done, ...proof, ...carrying, ...bad].join(', ')}`;
}
