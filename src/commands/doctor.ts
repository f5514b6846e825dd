import { diagnosis, findingsText } from '../doctor/describe.js';
import { examine } from '../doctor/doctor.js';
import type { Finding } from '../doctor/model.js';
import { EXIT, VmnetError } from '../errors.js';
import { loadLab } from '../lab/load.js';
import type { Stage } from '../report/reporter.js';
import type { Context, Outcome } from './command.js';
import { prepareRender } from './prepare.js';

/** Tell whether this host can do what vmnet, or a lab, needs; changes nothing. */
export async function doctor(
  file: string | undefined,
  _flags: object,
  { drivers, reporter, signal, about }: Context,
): Promise<Outcome<Finding>> {
  const lab = file === undefined ? null : await loadLab(file);
  about.lab = lab?.name ?? null;
  let findings: Finding[] = [];
  const look: Stage = {
    title: 'Look at the host',
    async run() {
      findings = await examine(
        drivers,
        lab,
        async (wanted, host) => (await prepareRender(wanted, host, drivers, false)).context,
      );
      if (signal.aborted) throw new VmnetError('interrupted', 'interrupted while looking at the host');
      return undefined;
    },
  };
  await reporter.stages([look]);
  reporter.print(`\n${findingsText(findings)}\n\n${diagnosis(findings)}`);
  const bad = findings.some(({ status }) => status === 'fault');
  return { lab: lab?.name ?? null, checks: findings, exitCode: bad ? EXIT['check-failed'] : 0 };
}
