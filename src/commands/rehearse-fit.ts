import { VmnetError } from '../errors.js';
import type { Lab } from '../lab/model.js';
import { listed, quotePath } from '../lab/quote.js';
import { readOwnDomain } from '../lab/xml/domain.js';
import { hostThings } from '../lab/xml/uses.js';

/** A throw-away host has disks of its own only for VMs that vmnet describes. Throws `usage` for others that have any. */
export function requireThrowAway(lab: Lab): void {
  for (const { name, boot } of lab.vms) {
    if (boot.kind !== 'domainXml' || boot.xml === null) continue;
    const own = readOwnDomain(boot.xml.open());
    const things = 'fault' in own ? [] : hostThings(own.root);
    if (things.length === 0) continue;
    throw new VmnetError(
      'usage',
      `a rehearsal would start VM ${name} with what ${quotePath(boot.file)} names of this very host: ${listed(things)}`,
      `Rehearse a copy of the lab in which ${name} boots "probe", or one with <transient/> in each such <disk>.`,
    );
  }
}
