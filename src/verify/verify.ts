import type { Drivers } from '../drivers/drivers.js';
import { consoleTail } from '../guest/console.js';
import { observeHost } from '../host/observe.js';
import type { Lab } from '../lab/model.js';
import { consolePath } from '../render/domain.js';
import { checkDomain, checkFdb, checkTap } from './checks.js';
import type { Check } from './model.js';
import { judgePath } from './path.js';
import { nothingSeen, type ProveOptions, prove } from './prove.js';
import { targetsOf } from './targets.js';

/** Check every VM and prove the path of every NIC, all at once. Changes nothing that outlives the call. */
export async function verifyLab(lab: Lab, drivers: Drivers, options: ProveOptions): Promise<Check[]> {
  const before = await observeHost(drivers, lab);
  const targets = targetsOf(lab, before);
  const bridges = new Set(before.links.filter(link => link.kind === 'bridge').map(link => link.name));
  const present = targets.filter(target => bridges.has(target.bridge));
  const evidence = present.length > 0 ? await prove(present, before, drivers, options) : new Map();
  const host = present.length > 0 ? await observeHost(drivers, lab) : before;
  const domains = new Map(lab.vms.map(vm => [vm.domain, checkDomain(vm, host)]));
  const judged = targets.map(target => {
    const seen = evidence.get(target) ?? nothingSeen(target);
    const alive = domains.get(target.domain)?.verdict === 'ok';
    return [
      checkTap(target, host),
      checkFdb(target, seen.fdb?.port ?? null),
      judgePath(target, seen, { host, alive }),
    ];
  });
  return Promise.all([...domains.values(), ...judged.flat()].map(check => withConsole(check, lab, drivers)));
}

/** A silent guest's last words on its console often say why. */
async function withConsole(check: Check, lab: Lab, drivers: Drivers): Promise<Check> {
  if (check.reason !== 'guest-silent') return check;
  const tail = consoleTail(await drivers.files.read(consolePath(drivers.stateDir, lab.name, check.vm)));
  if (tail === '') return check;
  return {
    ...check,
    hint: `${check.hint}\n  Its console ended with:\n${tail}`,
    evidence: { ...check.evidence, console: tail },
  };
}
