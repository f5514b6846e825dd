import type { Path, Report } from '../problem.js';
import { describeValue, quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { memoryMiB } from '../units.js';
import { type LooseVm, vmSetting, vmsOf } from './walk.js';

/** 1 PiB in MiB; qcow2 ends a little above that. */
const MOST_MIB = 1024 ** 3;

/** Sizes of disks, and what cannot be both. */
export function checkDisks(lab: LooseLab, report: Report): void {
  const seen = new Set<object>();
  for (const at of vmsOf(lab)) {
    const boot = vmSetting(lab, at, 'boot');
    const disks = vmSetting(lab, at, 'disks');
    if (typeof boot.value === 'object' && !seen.has(boot.value)) {
      seen.add(boot.value);
      checkSize((boot.value as { size?: string | number }).size, [...boot.path, 'size'], report);
    }
    checkFirmware(at.name, boot.value, vmSetting(lab, at, 'firmware'), report);
    if (disks.value === undefined || seen.has(disks.value)) continue;
    seen.add(disks.value);
    for (const [index, disk] of disks.value.entries())
      if (disk) checkDisk(disk, [...disks.path, index], report);
  }
}

function checkDisk(
  disk: NonNullable<NonNullable<LooseVm['disks']>[number]>,
  path: Path,
  report: Report,
): void {
  checkSize(disk.size, [...path, 'size'], report);
  if ('image' in disk) return;
  if (!('size' in disk))
    report(
      path,
      'this disk has neither an image nor a size',
      'write { "size": "10GiB" } for an empty one, or { "image": "data.qcow2" }',
    );
  if (disk.readOnly)
    report(
      [...path, 'readOnly'],
      'an empty disk that the guest may not write to is of no use',
      'leave "readOnly" out, or name an image',
    );
}

function checkSize(size: string | number | undefined, path: Path, report: Report): void {
  if (size === undefined) return;
  const mib = memoryMiB(size);
  if (mib === null)
    report(path, `the size ${describeValue(size)} is not a size`, 'write one such as "512MiB" or "10GiB"');
  else if (mib < 1 || mib > MOST_MIB)
    report(path, `the size ${describeValue(size)} is out of range`, 'write 1MiB to 1024TiB; a number is MiB');
}

/** Where it stands in defaults or a group, VMs that boot otherwise pass over it. */
function checkFirmware(
  name: string,
  boot: LooseVm['boot'],
  { value, path }: { value: string | undefined; path: Path },
  report: Report,
): void {
  if (value !== 'uefi' || path[0] !== 'vms' || boot === undefined) return;
  if (typeof boot === 'object' && ('image' in boot || 'domainXml' in boot)) return;
  report(
    path,
    `VM ${quote(name)} boots a kernel directly, without firmware`,
    'leave "firmware" out, or boot an image',
  );
}
