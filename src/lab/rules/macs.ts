import { MAC_PATTERN } from '../patterns.js';
import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import type { Fault } from './name-fault.js';
import { innersOf, nicsOf } from './walk.js';

const MAC = new RegExp(MAC_PATTERN);
const DERIVE = 'or leave "mac" out to have one derived';

/** Each NIC has a unicast MAC of its own. */
export function checkMacs(lab: LooseLab, report: Report): void {
  const owners = new Map<string, string>();
  const guests = nicsOf(lab).map(({ vm, index, nic, path }) => ({
    who: `VM ${quote(vm)}, NIC ${index}`,
    mac: nic.mac,
    path,
  }));
  for (const { who, mac: written, path } of [...guests, ...innersOf(lab)]) {
    if (written === undefined) continue;
    const mac = written.toLowerCase();
    const owner = owners.get(mac);
    const fault = macFault(written) ?? (owner === undefined ? null : duplicate(written, owner));
    if (fault !== null) report([...path, 'mac'], fault.message, fault.fix);
    if (owner === undefined) owners.set(mac, who);
  }
}

const duplicate = (mac: string, owner: string): Fault => ({
  message: `the MAC ${quote(mac)} is also that of ${owner}`,
  fix: `change one of the two, ${DERIVE}`,
});

function macFault(mac: string): Fault | null {
  const why = reason(mac);
  return why === null ? null : { message: `the MAC ${quote(mac)} ${why[0]}`, fix: `${why[1]}, ${DERIVE}` };
}

function reason(mac: string): [message: string, fix: string] | null {
  if (!MAC.test(mac)) return ['is not six bytes in hex with colons', respelled(mac)];
  if (/^[0:]+$/.test(mac)) return ['is all zero', 'write one such as "52:54:00:12:34:56"'];
  const first = Number.parseInt(mac.slice(0, 2), 16);
  if (first & 1)
    return ['is a multicast address: its first byte is odd', 'make the first byte even, such as 52'];
  // libvirt gives the tap the guest's MAC with fe in front; the two must differ.
  if (first === 0xfe)
    return ['begins with fe, which libvirt keeps for the host side of the tap', 'begin with 52:54:00'];
  return null;
}

/** The same digits with colons, where there are twelve of them. */
function respelled(mac: string): string {
  const digits = mac
    .slice(0, 40)
    .replace(/[-.: ]/g, '')
    .toLowerCase();
  const pairs = /^[0-9a-f]{12}$/.test(digits) ? digits.match(/../g) : null;
  return `write ${pairs === null ? 'one such as "52:54:00:12:34:56"' : `"${pairs.join(':')}"`}`;
}
