import { sysctlPath } from '../build/namespace.js';
import { SYSCTL_PATTERN } from '../patterns.js';
import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { namespacesOf } from './walk.js';

const NAME = new RegExp(SYSCTL_PATTERN);
const LONGEST = 128;

/** One line of printable ASCII, which is what the kernel takes. */
const VALUE = /^[!-~]([ -~\t]{0,254}[!-~])?$/;

/** Settings of the network alone, since everything else is the whole host's; written as sysctl(8) names them. */
export function checkSysctls(lab: LooseLab, report: Report): void {
  for (const { namespace, path } of namespacesOf(lab)) {
    const seen = new Map<string, string>();
    for (const [name, value] of Object.entries(namespace.sysctls ?? {})) {
      const at = [...path, 'sysctls', name];
      const fault = nameFault(name);
      if (fault !== null) {
        report(at, `the setting ${quote(name)} ${fault}`, 'name one such as "net.ipv4.ip_forward"', 'key');
        continue;
      }
      const other = seen.get(sysctlPath(name));
      if (other !== undefined)
        report(
          at,
          `the setting ${quote(name)} is also written ${quote(other)}`,
          'take one of them out',
          'key',
        );
      seen.set(sysctlPath(name), name);
      if (value !== undefined && !VALUE.test(String(value)))
        report(
          at,
          `the value ${quote(String(value))} is not one line of plain characters`,
          'write one such as "1"',
        );
    }
  }
}

function nameFault(name: string): string | null {
  if (name.length > LONGEST) return `has ${name.length} characters, more than ${LONGEST}`;
  if (NAME.test(name)) return null;
  return name.startsWith('net.')
    ? 'is not a name of sysctl(8)'
    : 'is not below "net.", so it is no namespace\'s own';
}
