import { resolve } from 'node:path';
import type { Path, Report } from '../problem.js';
import { codePoint, quote, quotePath } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { vmSetting, vmsOf } from './walk.js';

/** What is wrong with a file that the lab names, such as "does not exist"; null if it can be read. */
export type FileCheck = (path: string) => string | null;

/** x86's COMMAND_LINE_SIZE, with its closing zero. */
const LONGEST_CMDLINE = 2047;

/** No control characters and no half of a surrogate pair: XML cannot hold them. */
const UNFIT = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]|\p{Cs}/u;

/** Every VM boots something; one of Vagrant's does so without us. */
export function checkBoot(lab: LooseLab, report: Report): void {
  const isDefaultUnknown =
    lab.defaults !== undefined && 'vm' in lab.defaults && lab.defaults.vm === undefined;
  const inDefaults = isDefaultUnknown || 'boot' in (lab.defaults?.vm ?? {});
  for (const { name, vm, path } of vmsOf(lab)) {
    const hasShape = lab.vms?.[name] !== undefined;
    if (!hasShape || inDefaults || 'boot' in vm || 'vagrant' in vm) continue;
    report(
      [...path, 'boot'],
      `VM ${quote(name)} has no "boot"`,
      'add it: "boot": "probe", or { "image": "disk.qcow2" }',
    );
  }
}

/** The files that VMs boot and have as disks, each looked at once and told where it is written: in defaults and groups it is that of many. */
export function checkFilesOf(lab: LooseLab, folder: string, report: Report, checkFile: FileCheck): void {
  const seen = new Set<object>();
  const isNew = (value: object) => !seen.has(value) && seen.add(value);
  const look = (value: object, path: Path) => checkFilesIn(value, path, folder, report, checkFile);
  for (const at of vmsOf(lab)) {
    const boot = vmSetting(lab, at, 'boot');
    if (typeof boot.value === 'object' && isNew(boot.value)) look(boot.value, boot.path);
    const disks = vmSetting(lab, at, 'disks');
    if (disks.value !== undefined && isNew(disks.value))
      for (const [index, disk] of disks.value.entries()) if (disk) look(disk, [...disks.path, index]);
  }
}

const FILES = ['kernel', 'initrd', 'cmdline', 'image', 'domainXml'] as const;

function checkFilesIn(
  value: Partial<Record<(typeof FILES)[number], unknown>>,
  path: Path,
  folder: string,
  report: Report,
  checkFile: FileCheck,
): void {
  for (const key of FILES) {
    const text = value[key];
    if (typeof text !== 'string' || !isFit(text, key, [...path, key], report) || key === 'cmdline') continue;
    const file = resolve(folder, text);
    const trouble = checkFile(file);
    const fix = 'correct the path (it is relative to the lab file), or make the file readable';
    if (trouble !== null) report([...path, key], `the ${key} ${quotePath(file)} ${trouble}`, fix);
  }
}

function isFit(text: string, key: string, path: Path, report: Report): boolean {
  const bad = UNFIT.exec(text)?.[0];
  if (bad !== undefined) {
    report(path, `the ${key} ${quote(text)} has the character ${codePoint(bad)} in it`, 'take it out');
    return false;
  }
  if (key === 'cmdline' && Buffer.byteLength(text) > LONGEST_CMDLINE) {
    report(
      path,
      `the cmdline is longer than the ${LONGEST_CMDLINE} bytes that the kernel reads`,
      'shorten it',
    );
  }
  return true;
}
