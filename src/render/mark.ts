import { createHash } from 'node:crypto';
import type { Lab, Nic, Vm } from '../lab/model.js';
import { type NicMark, nicMarksText } from '../lab/nic-marks.js';
import { build, type Element } from './xml.js';

/** What a domain's mark says beside its digest, so that a change of NICs alone can be told from others. */
export interface DomainMarks {
  /** Digest of the definition without NICs. */
  readonly rest: string;
  /** By index. */
  readonly nics: readonly NicMark[];
  readonly attributes: Readonly<Record<'rest' | 'nics', string>>;
}

export const shortHash = (text: string, digits = 16) =>
  createHash('sha256').update(text).digest('hex').slice(0, digits);

/** @param interfaces `<interface>` of each NIC of the VM */
export function marksOf(lab: Lab, vm: Vm, rest: string, interfaces: readonly Element[]): DomainMarks {
  const nics = vm.nics.map((nic, index): NicMark => {
    // The link, and on Open vSwitch the VLAN, are changed in place.
    const { link, vlan, ...device } = interfaces[index] ?? {};
    return {
      mac: nic.mac,
      device: shortHash(build('interface', device), 8),
      link: nic.link ?? 'up',
      told: toldOf(lab, vm, nic),
    };
  });
  return { rest, nics, attributes: { rest, nics: nicMarksText(nics) } };
}

/** What the kernel's command line of a probe guest, or a seed, says of a NIC. */
function toldOf(lab: Lab, vm: Vm, { bridge, mac, addresses, gateways, mtu }: Nic): string {
  if (vm.boot.kind !== 'probe' && vm.cloudInit === null) return '-';
  const served = lab.bridges.some(({ name, dhcp }) => name === bridge && dhcp !== null);
  return shortHash(JSON.stringify([mac, addresses, gateways, mtu, served]), 8);
}

/** In the mark of a running guest whose NICs were plugged: they sit elsewhere than in its definition. */
export const PLUGGED = { plugged: 'yes' } as const;

/** A mark as libvirt takes it; its words need no escaping. */
export const markElement = (attributes: Readonly<Record<string, string>>): string =>
  `<endpoint ${Object.entries(attributes)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ')}/>`;
