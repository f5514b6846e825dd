import { vmKeys } from '../file/vm.js';
import { domainName } from '../names.js';
import { LIBVIRT_NAME_PATTERN } from '../patterns.js';
import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { vmsOf } from './walk.js';

const NAME = new RegExp(LIBVIRT_NAME_PATTERN, 'u');

/** VMs whose domain is not ours: each has one to itself, and says nothing of what it is made of. */
export function checkExisting(lab: LooseLab, report: Report): void {
  const own = new Map(
    vmsOf(lab).flatMap(({ name, vm }) =>
      'domain' in vm || lab.name === undefined ? [] : [[domainName(lab.name, name), name] as const],
    ),
  );
  const seen = new Map<string, string>();
  for (const { name, vm, path } of vmsOf(lab)) {
    if (!('domain' in vm)) continue;
    for (const key of [...Object.keys(vmKeys), 'vagrant'])
      if (key in vm)
        report(
          [...path, key],
          `VM ${quote(name)} is a domain that vmnet did not make, so its ${quote(key)} is not for the lab to say`,
          `take ${quote(key)} out (virsh edit changes that domain), or "domain" for a VM that vmnet makes`,
        );
    const { domain } = vm;
    if (domain === undefined) continue;
    const at = [...path, 'domain'];
    if (!NAME.test(domain)) {
      const fix = 'write it as "virsh list --all" shows it: 1 to 255 characters, without a slash';
      report(at, `${quote(domain)} cannot be the name of a libvirt domain`, fix);
      continue;
    }
    const [maker, other] = [own.get(domain), seen.get(domain)];
    if (maker !== undefined)
      report(
        at,
        `the domain ${quote(domain)} is the one that vmnet makes for VM ${quote(maker)}`,
        `give the NICs to VM ${quote(maker)}, or name a domain that is there without this lab`,
      );
    if (other !== undefined)
      report(
        at,
        `the domain ${quote(domain)} is also that of VM ${quote(other)}`,
        'give all its NICs to one of the two',
      );
    seen.set(domain, name);
  }
}
