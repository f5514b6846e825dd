import type { Drivers } from '../drivers/drivers.js';
import { type Cidr, parseCidr } from '../lab/cidr.js';
import type { LibvirtNetwork } from './model.js';

/** libvirt's virtual networks with their subnets; also those that are not active, since they may be at any time. */
export async function observeNetworks(drivers: Drivers): Promise<LibvirtNetwork[]> {
  const libvirt = await drivers.libvirt();
  const networks = await libvirt.listNetworks();
  // One that is undefined meanwhile has none any more.
  const xmls = await Promise.all(networks.map(({ name }) => libvirt.networkXml(name).catch(() => '')));
  return networks.map(({ name, bridge }, i) => ({
    name,
    bridge,
    cidrs: subnetsInXml(xmls[i] ?? '').map(({ address, prefix }) => `${address}/${prefix}`),
  }));
}

/** `<ip address='192.168.122.1' netmask='255.255.255.0'>` or `prefix='24'`. */
export function subnetsInXml(xml: string): Cidr[] {
  return [...xml.matchAll(/<ip\s([^>]*)>/g)].flatMap(([, attributes = '']) => {
    const value = (name: string) => new RegExp(`\\b${name}=['"]([^'"]+)['"]`).exec(attributes)?.[1];
    const prefix = value('prefix') ?? prefixOf(value('netmask') ?? '');
    return parseCidr(`${value('address')}/${prefix}`) ?? [];
  });
}

/** Length of an IPv4 netmask. */
const prefixOf = (mask: string): number =>
  mask
    .split('.')
    .map(part => Number(part).toString(2))
    .join('')
    .replaceAll('0', '').length;
