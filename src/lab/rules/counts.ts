import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { bridgesOf, innerNicsOf, nicsOf, vmsOf } from './walk.js';

/** The kernel's BR_MAX_PORTS is 1024, and port 0 is not used. */
const MOST_PORTS = 1023;

/** QEMU's slots for network cards. */
const MOST_NICS = 32;

/** How much of one thing another can hold. */
export function checkCounts(lab: LooseLab, report: Report): void {
  for (const { name, vm, path } of vmsOf(lab)) {
    const count = vm.nics?.length ?? 0;
    if (count <= MOST_NICS) continue;
    report(
      [...path, 'nics'],
      `VM ${quote(name)} has ${count} NICs, more than ${MOST_NICS}`,
      'spread them over several VMs',
    );
  }
  const ports = new Map<string, number>();
  for (const { nic } of nicsOf(lab)) ports.set(nic.bridge ?? '', (ports.get(nic.bridge ?? '') ?? 0) + 1);
  for (const { at } of innerNicsOf(lab)) {
    const name = ('bridge' in at && at.bridge) || '';
    ports.set(name, (ports.get(name) ?? 0) + 1);
  }
  for (const { name, bridge, path } of bridgesOf(lab)) {
    const count = (ports.get(name) ?? 0) + (bridge.uplink === undefined ? 0 : 1);
    if (count <= MOST_PORTS) continue;
    const message = `the bridge ${quote(name)} would have ${count} ports, more than the ${MOST_PORTS} of the kernel`;
    report(path, message, 'spread the NICs over several bridges', 'key');
  }
}
