import type { Lab } from '../lab/model.js';
import { table } from '../report/table.js';
import { type Check, isGood, type PathEvidence } from './model.js';

/** The proof as people read it: for each NIC the hops from tap to uplink, what the host's stack saw, the verdict. */
export function proofTable(lab: Lab, checks: readonly Check[]): string {
  const bridges = new Map(
    lab.vms.flatMap(vm => vm.nics.map(nic => [nicKey(vm.name, nic.index), nic.bridge] as const)),
  );
  const paths = checks.filter(check => check.name === 'path');
  const rows = paths.map(check => {
    const { bridge, hostStack, uplink, tap } = check.evidence as PathEvidence;
    const stack = hostStack.prerouting + hostStack.forward + hostStack.input + hostStack.arp;
    const name = bridges.get(nicKey(check.vm, check.nic)) ?? '';
    const out = uplink === null ? '-' : `${uplink.name} ${uplink.egress}`;
    return [
      check.vm,
      check.nic ?? '',
      `${tap.name} ${tap.received}`,
      `${name} ${bridge.prerouting}`,
      bridge.forward,
      out,
      stack,
      check.verdict,
    ];
  });
  const header = ['VM', 'NIC', 'tap in', '→ bridge', '→ to ports', '→ uplink out', '| host stack', 'verdict'];
  const faults = faultLines(checks);
  return ['', table(header, rows), ...(faults.length > 0 ? ['', ...faults] : []), ''].join('\n');
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

const nicKey = (vm: string, nic: number | null): string => `${vm} ${nic}`;

/** The one line that a run ends with. `steps` is null for a command that changes nothing. */
export function closingLine(lab: string, steps: number | null, checks: readonly Check[]): string {
  const paths = checks.filter(check => check.name === 'path');
  const direct = paths.filter(check => check.verdict === 'direct').length;
  const done =
    steps === null
      ? []
      : [steps === 0 ? 'nothing to change' : `${steps} ${steps === 1 ? 'step' : 'steps'} done`];
  const proof =
    paths.length === 0
      ? steps === null
        ? ['it has no VMs, so there is nothing to check']
        : []
      : [`${direct} of ${paths.length} NICs direct`];
  const failed = checks.filter(check => !isGood(check)).length;
  const bad = failed === 0 ? [] : [`${failed} ${failed === 1 ? 'check' : 'checks'} failed`];
  return `${lab}: ${[...done, ...proof, ...bad].join(', ')}`;
}
