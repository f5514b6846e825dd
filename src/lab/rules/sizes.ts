import type { Report } from '../problem.js';
import { describeValue, quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { memoryMiB, memoryText } from '../units.js';
import { type AtVm, type Setting, vmSetting, vmsOf } from './walk.js';

const LEAST_MIB = 16;
const MOST_MIB = 16 * 1024 * 1024;

/** The probe's kernel and initramfs unpack into less, but with nothing to spare. */
const LEAST_PROBE_MIB = 112;

type Memory = Setting<string | number | undefined>;

/** Memory of each VM, and of defaults and groups even if no VM takes them. */
export function checkSizes(lab: LooseLab, report: Report): void {
  checkMemory({ value: lab.defaults?.vm?.memory, path: ['defaults', 'vm', 'memory'] }, report);
  for (const [name, group] of Object.entries(lab.groups ?? {}))
    checkMemory({ value: group?.memory, path: ['groups', name, 'memory'] }, report);
  for (const at of vmsOf(lab)) {
    const memory = vmSetting(lab, at, 'memory');
    if (checkMemory(memory, report)) checkProbe(lab, at, memory, report);
  }
}

/** Whether the size is one, and in range. */
function checkMemory({ value, path }: Memory, report: Report): boolean {
  if (value === undefined) return false;
  const mib = memoryMiB(value);
  if (mib === null) {
    report(path, `the memory ${describeValue(value)} is not a size`, `write ${respelled(String(value))}`);
    return false;
  }
  if (mib >= LEAST_MIB && mib <= MOST_MIB) return true;
  const range = `${memoryText(LEAST_MIB)} to ${memoryText(MOST_MIB)}`;
  report(path, `the memory ${describeValue(value)} is out of range`, `write ${range}; a number is MiB`);
  return false;
}

/** `512M`, `512MB` and `512 mib` surely mean `512MiB`. */
function respelled(text: string): string {
  const [, digits, unit = 'm'] = /^\s*([1-9][0-9]{0,14})\s*([mgt])?i?b?\s*$/i.exec(text) ?? [];
  return digits === undefined ? 'one such as "512MiB" or "1GiB"' : `"${digits}${unit.toUpperCase()}iB"`;
}

function checkProbe(lab: LooseLab, at: AtVm, memory: Memory, report: Report): void {
  const isProbe = vmSetting(lab, at, 'boot').value === 'probe';
  if (!isProbe || (memoryMiB(memory.value ?? 0) ?? 0) >= LEAST_PROBE_MIB) return;
  report(
    memory.path,
    `the memory ${describeValue(memory.value)} is too little for the probe guest of VM ${quote(at.name)}`,
    `give it at least ${LEAST_PROBE_MIB}MiB`,
  );
}
