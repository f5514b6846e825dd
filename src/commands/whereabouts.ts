import { VmnetError } from '../errors.js';
import type { Lab } from '../lab/model.js';
import { table } from '../report/table.js';
import type { Check, PathEvidence } from '../verify/model.js';
import type { Whereabouts } from '../where/model.js';
import { addressText, whereAre } from '../where/where.js';
import type { Context } from './command.js';

/** Where the guests of a lab are once it is up, with what the proof has heard; nobody is asked where there was none. */
export async function tellWhere(
  lab: Lab,
  checks: readonly Check[],
  { drivers, reporter }: Context,
): Promise<Whereabouts[]> {
  const seen = new Map(
    checks.flatMap(({ name, vm, nic, evidence }) => {
      const mac = lab.vms.find(it => it.name === vm)?.nics[nic ?? -1]?.mac;
      const { heardAddresses = [] } = evidence as Partial<PathEvidence>;
      return name === 'path' && mac !== undefined ? [[mac, heardAddresses] as const] : [];
    }),
  );
  try {
    const found = await whereAre(lab, drivers, { seen, passive: checks.length === 0 });
    if (found.length > 0) reporter.print(`${whereTable(found)}\n`);
    return found;
  } catch (error) {
    // The lab is up, and that counts.
    if (!(error instanceof VmnetError)) throw error;
    reporter.warn(`Where the guests are was not found out: ${error.message}`);
    return [];
  }
}

const whereTable = (found: readonly Whereabouts[]): string =>
  table(
    ['VM', 'NIC', 'MAC', 'address'],
    found.map(it => [it.nic === 0 ? it.vm : '', it.nic, it.mac, addressText(it)]),
  );
