import { dirname, resolve } from 'node:path';
import { formatIp, parseCidr, parseIp } from './cidr.js';
import type { RawLab } from './file.js';
import type { Boot, Bridge, BridgeAddress, Lab, Nic, Vm } from './model.js';
import {
  bridgeAlias,
  bridgeAltname,
  bridgeMac,
  domainName,
  domainUuid,
  nicAlias,
  nicAltname,
  nicMac,
  tapName,
} from './names.js';
import { memoryMiB } from './units.js';

type RawBridge = RawLab['bridges'][string];
type RawVm = NonNullable<RawLab['vms']>[string];
type RawNic = RawVm['nics'][number];
type RawBoot = NonNullable<RawVm['boot']>;

/** What is in use in the lab; derived names step aside for what the user wrote, wherever in the file that is. */
interface Taken {
  readonly macs: Set<string>;
  readonly links: Set<string>;
}

export const MEMORY_MIB = { probe: 128, other: 512 } as const;

/** A file without problems to the complete lab: every default filled in, every name derived. */
export function buildLab(raw: RawLab, file: string): Lab {
  const taken = writtenNames(raw);
  return {
    name: raw.name,
    file: resolve(file),
    bridges: Object.entries(raw.bridges).map(([name, bridge]) => buildBridge(raw.name, name, bridge, taken)),
    vms: Object.entries(raw.vms ?? {}).map(([name, vm]) =>
      buildVm(raw, name, vm, dirname(resolve(file)), taken),
    ),
  };
}

function writtenNames(raw: RawLab): Taken {
  const nics = Object.values(raw.vms ?? {}).flatMap(vm => vm.nics);
  const uplinks = Object.values(raw.bridges).flatMap(bridge => bridge.uplink ?? []);
  return {
    macs: new Set(nics.flatMap(nic => nic.mac?.toLowerCase() ?? [])),
    links: new Set([...Object.keys(raw.bridges), ...uplinks, ...nics.flatMap(nic => nic.tap ?? [])]),
  };
}

function buildBridge(lab: string, name: string, raw: RawBridge, taken: Taken): Bridge {
  const stp = raw.stp ?? false;
  return {
    name,
    uplink: raw.uplink ?? null,
    permanent: raw.permanent ?? false,
    address: bridgeAddress(raw),
    peers: (raw.peers ?? []).map(plainAddress),
    bridgeNetfilter: raw.bridgeNetfilter ?? 'keep',
    mtu: raw.mtu ?? null,
    stp,
    // With STP the kernel raises anything below 2 s by itself, and then no second run would find what it asked for.
    forwardDelay: raw.forwardDelay ?? (stp ? 15 : 0),
    multicastSnooping: raw.multicastSnooping ?? null,
    mac: bridgeMac(lab, name, taken.macs),
    altname: bridgeAltname(lab, name),
    alias: bridgeAlias(lab, name),
  };
}

function bridgeAddress({ address, uplink, permanent }: RawBridge): BridgeAddress {
  const mode = address ?? (uplink === undefined || permanent ? 'none' : 'inherit');
  return mode === 'inherit' || mode === 'none' ? { mode } : { mode: 'static', cidrs: normalised(mode) };
}

function buildVm(raw: RawLab, name: string, vm: RawVm, folder: string, taken: Taken): Vm {
  const all = { ...raw.defaults?.vm, ...vm };
  const boot = buildBoot(all.boot ?? 'probe', folder);
  const memory = all.memory ?? MEMORY_MIB[boot.kind === 'probe' ? 'probe' : 'other'];
  return {
    name,
    domain: domainName(raw.name, name),
    uuid: domainUuid(raw.name, name),
    memoryMiB: memoryMiB(memory) ?? MEMORY_MIB.other,
    vcpus: all.vcpus ?? 1,
    accel: all.accel ?? 'auto',
    boot,
    nics: vm.nics.map((nic, index) => buildNic(raw, name, index, nic, taken)),
  };
}

function buildBoot(boot: RawBoot, folder: string): Boot {
  if (boot === 'probe') return { kind: 'probe' };
  if ('image' in boot) return { kind: 'image', image: resolve(folder, boot.image) };
  return {
    kind: 'kernel',
    kernel: resolve(folder, boot.kernel),
    initrd: boot.initrd === undefined ? null : resolve(folder, boot.initrd),
    cmdline: boot.cmdline ?? '',
  };
}

function buildNic(raw: RawLab, vm: string, index: number, nic: RawNic, taken: Taken): Nic {
  const all = { ...raw.defaults?.nic, ...nic };
  return {
    vm,
    index,
    bridge: nic.bridge,
    mac: nic.mac?.toLowerCase() ?? nicMac(raw.name, vm, index, taken.macs),
    tap: nic.tap ?? tapName(raw.name, vm, index, taken.links),
    model: all.model ?? 'virtio',
    queues: all.queues ?? 1,
    mtu: all.mtu ?? null,
    addresses: normalised(nic.address ?? []),
    altname: nicAltname(raw.name, vm, index),
    alias: nicAlias(raw.name, vm, index),
  };
}

/** As the kernel prints them, so that they can be compared with the host's. */
const normalised = (cidrs: string | readonly string[]) =>
  [cidrs].flat().map(text => {
    const cidr = parseCidr(text);
    return cidr === null ? text : `${cidr.address}/${cidr.prefix}`;
  });

function plainAddress(text: string): string {
  const ip = parseIp(text);
  return ip === null ? text : formatIp(ip.family, ip.value);
}
