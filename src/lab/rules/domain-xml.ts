import { resolve } from 'node:path';
import type { Path, Report } from '../problem.js';
import { quote, quotePath } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { readOwnDomain } from '../xml/domain.js';
import { A_DOMAIN } from '../xml/scan.js';
import type { CloudInitFiles } from './cloud-init.js';
import { type AtVm, type LooseVm, vmSetting, vmsOf } from './walk.js';

/** The domain XML files that VMs boot, each told once, and what the lab cannot say of such VMs. */
export function checkDomainXml(lab: LooseLab, files: CloudInitFiles, report: Report): void {
  const seen = new Set<object>();
  for (const at of vmsOf(lab)) {
    const { value, path } = vmSetting(lab, at, 'boot');
    if (typeof value !== 'object' || !('domainXml' in value)) continue;
    checkKeys(at, report);
    if (seen.has(value) || value.domainXml === undefined) continue;
    seen.add(value);
    checkText(resolve(files.folder, value.domainXml), [...path, 'domainXml'], files, report);
  }
}

/** Where such a thing stands instead. */
const INSTEAD: Readonly<Partial<Record<keyof LooseVm, string>>> = {
  memory: 'say it there, in <memory>',
  vcpus: 'say it there, in <vcpu>',
  accel: "say it there, in <domain type='kvm'> or <domain type='qemu'>",
  firmware: "say it there, in <os firmware='efi'>",
  disks: 'add them there, as <disk> elements',
  keepDisk: 'the disks of such a VM are yours, and always stay',
  cloudInit: 'add a seed there, as a <disk>',
};

/** Those of defaults are for the other VMs. */
function checkKeys({ name, vm, path }: AtVm, report: Report): void {
  for (const [key, instead] of Object.entries(INSTEAD)) {
    if (!(key in vm)) continue;
    report(
      [...path, key],
      `"${key}" would have no effect: VM ${quote(name)} is what your own domain XML says`,
      `take it out; ${instead}`,
      'key',
    );
  }
}

function checkText(file: string, path: Path, { check, read }: CloudInitFiles, report: Report): void {
  if (check(file) !== null) return; // told already, as for all files
  const found = read(file);
  if (found === null) return;
  if ('trouble' in found) {
    report(path, `the domainXml ${quotePath(file)} ${found.trouble}`, A_DOMAIN);
    return;
  }
  const own = readOwnDomain(found.text);
  if (!('fault' in own)) return;
  const { line, message, fix } = own.fault;
  report(path, `the domainXml ${quotePath(file)}, line ${line}: ${message}`, fix);
}
