import { createHash } from 'node:crypto';
import type { CloudInit, Lab, Nic, Vm } from '../lab/model.js';
import { diskFolder } from './paths.js';

/** The files of a seed for cloud-init's NoCloud beside user-data: JSON, which is YAML, too. */
export interface SeedFiles {
  readonly 'meta-data': string;
  readonly 'network-config': string;
}

export function seedFiles(lab: Lab, vm: Vm, cloudInit: CloudInit): SeedFiles {
  return {
    'meta-data': document({ 'instance-id': `vmnet-${vm.uuid}`, 'local-hostname': cloudInit.hostname }),
    'network-config': document({ version: 2, ethernets: ethernets(lab, vm, cloudInit.dns) }),
  };
}

/** Other content gives another file, so that a domain's definition tells which it has. */
export function seedPath(stateDir: string, lab: Lab, vm: Vm, cloudInit: CloudInit): string {
  const { hostname, sshKeys, userData } = cloudInit;
  const content = JSON.stringify([seedFiles(lab, vm, cloudInit), hostname, sshKeys, userData?.digest]);
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 12);
  return `${diskFolder(stateDir, lab.name, vm.name)}/seed-${digest}.iso`;
}

const document = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

/** By MAC: names of interfaces are the guest's own affair. */
const ethernets = (lab: Lab, vm: Vm, dns: readonly string[]) =>
  Object.fromEntries(vm.nics.map(nic => [`nic${nic.index}`, ethernet(lab, vm, nic, dns)]));

function ethernet(lab: Lab, vm: Vm, nic: Nic, dns: readonly string[]): object {
  const mtu = nic.mtu ?? lab.bridges.find(({ name }) => name === nic.bridge)?.mtu ?? null;
  const isStatic = nic.addresses.length > 0;
  // Servers belong to links: where none has an address of its own, to the first.
  const resolves = isStatic || (nic.index === 0 && vm.nics.every(({ addresses }) => addresses.length === 0));
  return {
    match: { macaddress: nic.mac },
    // Clones of one image share its machine-id, from which the DHCP client would make the same identity for all.
    ...(isStatic ? { dhcp4: false, addresses: nic.addresses } : { dhcp4: true, 'dhcp-identifier': 'mac' }),
    ...(nic.gateways.length > 0 ? { routes: nic.gateways.map(routeBy) } : {}),
    ...(dns.length > 0 && resolves ? { nameservers: { addresses: dns } } : {}),
    ...(mtu === null ? {} : { mtu }),
  };
}

/** `default` is not known to older versions. */
const routeBy = (via: string) => ({ to: via.includes(':') ? '::/0' : '0.0.0.0/0', via });
