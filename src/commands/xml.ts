import { VmnetError } from '../errors.js';
import { observeHost } from '../host/observe.js';
import { loadLab } from '../lab/load.js';
import { quote } from '../lab/quote.js';
import { renderDomain } from '../render/domain.js';
import type { Context, Outcome } from './command.js';
import { prepareRender } from './prepare.js';

/** Print the domain XML that provision would define, of one VM or of all. */
export async function xml(
  file: string,
  vm: string | undefined,
  _flags: object,
  context: Context,
): Promise<Outcome> {
  const { drivers, reporter } = context;
  const lab = await loadLab(file);
  const chosen = lab.vms.filter(({ name }) => vm === undefined || name === vm);
  if (chosen.length === 0) {
    throw new VmnetError(
      'usage',
      `the lab ${lab.name} has no VM ${quote(vm ?? '')}`,
      `It has: ${lab.vms.map(({ name }) => name).join(', ') || 'none'}.`,
    );
  }
  const host = await observeHost(drivers, lab, { networkOnly: true });
  const { context: render } = await prepareRender(lab, host, drivers, false);
  const domains = chosen.map(candidate => ({
    name: candidate.name,
    xml: renderDomain(lab, candidate, render).xml,
  }));
  for (const domain of domains) reporter.print(domain.xml.trimEnd());
  return { lab: lab.name, more: { domains } };
}
