import { resolve } from 'node:path';
import { contains, parseCidr } from '../cidr.js';
import type { RawLab } from '../file.js';
import type { Boot, Nic, Vm } from '../model.js';
import { domainName, domainUuid, nicAlias, nicAltname, nicMac, tapName } from '../names.js';
import { memoryMiB } from '../units.js';
import { UNRULED } from '../unruled.js';
import { normalised, plainAddress } from './address.js';
import { buildCard } from './card.js';
import { buildCloudInit, type ReadText } from './cloud-init.js';
import { buildDisks } from './disk.js';
import { buildOrder } from './order.js';
import { buildOwnDomain, machineOf } from './own-domain.js';
import { buildPort } from './port.js';
import type { Taken } from './taken.js';
import { buildVlan } from './vlan.js';

type RawVm = NonNullable<RawLab['vms']>[string];
type RawNic = RawVm['nics'][number];
type RawBoot = NonNullable<RawVm['boot']>;

/** Where the lab file is, and how files that it names are read. */
export interface Surroundings {
  readonly folder: string;
  readonly read: ReadText;
}

export const MEMORY_MIB = { probe: 128, other: 512 } as const;

export function buildVm(
  raw: RawLab,
  name: string,
  vm: RawVm,
  { folder, read }: Surroundings,
  taken: Taken,
): Vm {
  if (vm.domain !== undefined) return existingVm(raw, name, vm.domain, vm.nics, taken);
  const all = { ...raw.defaults?.vm, ...vm };
  const boot = buildBoot(all.boot ?? 'probe', folder, read);
  const { cloudInit } = all;
  const isProbe = boot.kind === 'probe' && vm.vagrant === undefined;
  const memory = all.memory ?? MEMORY_MIB[isProbe ? 'probe' : 'other'];
  return {
    name,
    domain: domainName(raw.name, name),
    uuid: domainUuid(raw.name, name),
    memoryMiB: memoryMiB(memory) ?? MEMORY_MIB.other,
    vcpus: all.vcpus ?? 1,
    accel: all.accel ?? 'auto',
    boot,
    firmware: boot.kind === 'image' ? (all.firmware ?? 'bios') : 'bios',
    disks: buildDisks(all.boot ?? 'probe', all.disks ?? [], folder),
    keepDisk: all.keepDisk ?? false,
    cloudInit: cloudInit === undefined ? null : buildCloudInit(cloudInit, name, folder, read),
    ...(vm.vagrant === undefined ? {} : { vagrant: { box: vm.vagrant.box ?? null } }),
    ...buildOrder(all),
    nics: vm.nics.map((nic, index) => buildNic(raw, name, index, nic, taken)),
    // Of the defaults, nothing else is for it.
    ...(boot.kind === 'domainXml' ? machineOf(boot) : {}),
  };
}

/** What it is made of is its own affair, whatever the defaults say. */
const existingVm = (
  raw: RawLab,
  name: string,
  domain: string,
  nics: readonly RawNic[],
  taken: Taken,
): Vm => ({
  name,
  domain,
  uuid: domainUuid(raw.name, name),
  memoryMiB: 0,
  vcpus: 0,
  accel: 'tcg',
  boot: { kind: 'existing' },
  firmware: 'bios',
  disks: [],
  keepDisk: false,
  cloudInit: null,
  nics: nics.map((nic, index) => buildNic(raw, name, index, nic, taken)),
});

function buildBoot(boot: RawBoot, folder: string, read: ReadText): Boot {
  if (boot === 'probe') return { kind: 'probe', forward: false };
  if ('probe' in boot) return { kind: 'probe', forward: boot.probe.forward ?? false };
  if ('image' in boot) return { kind: 'image', image: resolve(folder, boot.image) };
  if ('domainXml' in boot) return buildOwnDomain(resolve(folder, boot.domainXml), read);
  return {
    kind: 'kernel',
    kernel: resolve(folder, boot.kernel),
    initrd: boot.initrd === undefined ? null : resolve(folder, boot.initrd),
    cmdline: boot.cmdline ?? '',
  };
}

function buildNic(raw: RawLab, vm: string, index: number, nic: RawNic, taken: Taken): Nic {
  const all = { ...raw.defaults?.nic, ...nic };
  const addresses = normalised(nic.address ?? []);
  return {
    vm,
    index,
    bridge: nic.bridge ?? null,
    ...macvtapOf(nic),
    mac: nic.mac?.toLowerCase() ?? nicMac(raw.name, vm, index, taken.macs),
    tap: nic.tap ?? tapName(raw.name, vm, index, taken.links),
    model: all.model ?? 'virtio',
    queues: all.queues ?? 1,
    ...buildCard(all),
    mtu: nic.type === 'macvtap' ? null : (all.mtu ?? null),
    addresses,
    gateways: gatewaysOf(nic, addresses, raw.bridges?.[nic.bridge ?? '']),
    vlan: buildVlan(nic.vlan),
    // Of the defaults, a macvtap takes no rules: no bridge's port sees its frames.
    ...(nic.type === 'macvtap' ? UNRULED : buildPort(all)),
    altname: nicAltname(raw.name, vm, index),
    alias: nicAlias(raw.name, vm, index),
  };
}

/** As written; else a bridge that leads out through the host is the way out of its own subnets. */
function gatewaysOf(
  { gateway }: RawNic,
  addresses: readonly string[],
  bridge: NonNullable<RawLab['bridges']>[string] | undefined,
): string[] {
  if (gateway !== undefined) return [gateway].flat().map(plainAddress);
  if (bridge?.mode !== 'nat' && bridge?.mode !== 'routed') return [];
  const own = normalised(bridge.address ?? []);
  const subnets = addresses.map(parseCidr).filter(cidr => cidr !== null);
  const near = own
    .map(parseCidr)
    .filter(cidr => cidr !== null)
    .filter(cidr => subnets.some(subnet => contains(subnet, cidr)));
  const first = [4, 6].map(family => near.find(cidr => cidr.family === family));
  return first.flatMap(cidr => (cidr ? [cidr.address] : []));
}

/** Rules have seen that a macvtap has an uplink. */
function macvtapOf({ type, uplink, mode }: RawNic): Pick<Nic, 'macvtap'> {
  return type === 'macvtap' && uplink !== undefined ? { macvtap: { uplink, mode: mode ?? 'bridge' } } : {};
}
