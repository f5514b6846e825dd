import { createHash } from 'node:crypto';
import type { Boot, Lab, Vm } from '../lab/model.js';
import { ovsVlan } from '../lab/vlans.js';
import { interfaceElement } from './interface.js';
import { type Machine, probeCmdline } from './machine.js';
import { ovsInterfaceElement } from './ovs-interface.js';
import { build, child, type Element, setAttributes, template } from './xml.js';

/** What rendering needs beside the lab: facts that were found out before, so that it stays pure. */
export interface RenderContext {
  readonly machine: Machine;
  /** What `"accel": "auto"` means on this host. */
  readonly accel: 'kvm' | 'tcg';
  /** The built-in guest's files; null where no VM of the lab boots it. */
  readonly probe: { readonly kernel: string; readonly initrd: string } | null;
  /** MTU of each bridge in bytes, by name. */
  readonly mtus: Readonly<Record<string, number>>;
  /** Bridges of Open vSwitch that are switched in user space. */
  readonly userspace?: readonly string[];
  /** State folder, in which consoles and disks are kept. */
  readonly stateDir: string;
}

export interface RenderedDomain {
  readonly xml: string;
  /** First 16 hex digits of the SHA-256 of the XML without the digest itself. */
  readonly digest: string;
}

/** File that a VM's serial console is logged to. */
export const consolePath = (stateDir: string, lab: string, vm: string) =>
  `${stateDir}/consoles/${lab}/${vm}.log`;

/** Folder of a VM's copy-on-write disks. */
export const diskFolder = (stateDir: string, lab: string, vm: string) => `${stateDir}/disks/${lab}/${vm}`;

/** Copy-on-write disk of a VM over an image; another image gives another disk. */
export function diskPath(stateDir: string, lab: string, vm: string, image: string): string {
  const name = createHash('sha256').update(image).digest('hex').slice(0, 12);
  return `${diskFolder(stateDir, lab, vm)}/${name}.qcow2`;
}

/** Domain XML of one VM, marked as ours. */
export function renderDomain(lab: Lab, vm: Vm, context: RenderContext): RenderedDomain {
  const digest = createHash('sha256')
    .update(domainXml(lab, vm, context, ''))
    .digest('hex')
    .slice(0, 16);
  return { xml: domainXml(lab, vm, context, digest), digest };
}

function domainXml(lab: Lab, vm: Vm, context: RenderContext, digest: string): string {
  const accel = vm.accel === 'auto' ? context.accel : vm.accel;
  const domain = template('domain.xml');
  setAttributes(domain, { type: accel === 'kvm' ? 'kvm' : 'qemu' });
  domain.name = [vm.domain];
  domain.uuid = [vm.uuid];
  const mark = child(child(domain, 'metadata'), 'vmnet:endpoint');
  setAttributes(mark, { lab: lab.name, vm: vm.name, digest });
  child(domain, 'memory')._ = String(vm.memoryMiB);
  domain.vcpu = [String(vm.vcpus)];
  if (vm.boot.kind === 'probe') domain.on_reboot = ['destroy']; // a panic ends the guest, visibly
  fillFeatures(domain, accel, context.machine);
  fillBoot(child(domain, 'os'), lab, vm, context);
  fillDevices(child(domain, 'devices'), lab, vm, context);
  return build('domain', domain);
}

function fillFeatures(domain: Element, accel: 'kvm' | 'tcg', machine: Machine): void {
  const features = child(domain, 'features');
  if (!machine.apic) {
    delete features.apic;
    delete features.acpi;
  }
  if (accel === 'kvm') delete features.tcg;
  else if (machine.emulatedCpu) domain.cpu = [{ $: { mode: 'custom' }, model: [machine.emulatedCpu] }];
  else delete domain.cpu; // QEMU's default model is what TCG does best
}

function fillBoot(os: Element, lab: Lab, vm: Vm, context: RenderContext): void {
  setAttributes(child(os, 'type'), { arch: context.machine.arch, machine: context.machine.type });
  const direct = directBoot(lab, vm, vm.boot, context);
  for (const key of ['kernel', 'initrd', 'cmdline'] as const) {
    if (direct?.[key]) os[key] = [direct[key]];
    else delete os[key];
  }
}

function directBoot(lab: Lab, vm: Vm, boot: Boot, { probe, machine }: RenderContext) {
  if (boot.kind === 'image') return null;
  if (boot.kind === 'kernel') return boot;
  if (probe === null) throw new Error(`${vm.name} boots the probe guest, which was not located`);
  const served = new Set(lab.bridges.filter(({ dhcp }) => dhcp !== null).map(({ name }) => name));
  return { ...probe, cmdline: probeCmdline(vm, machine, served) };
}

function fillDevices(devices: Element, lab: Lab, vm: Vm, context: RenderContext): void {
  if (vm.boot.kind === 'image') {
    const disk = child(devices, 'disk');
    setAttributes(child(disk, 'source'), {
      file: diskPath(context.stateDir, lab.name, vm.name, vm.boot.image),
    });
  } else delete devices.disk;
  devices.interface = vm.nics.map(nic => {
    const mtu = context.mtus[nic.bridge] ?? 1500;
    const bridge = lab.bridges.find(({ name }) => name === nic.bridge);
    if (bridge?.type !== 'ovs') return interfaceElement(nic, mtu);
    return ovsInterfaceElement(nic, mtu, {
      vlan: ovsVlan(nic, bridge, lab),
      userspace: context.userspace?.includes(bridge.name) ?? false,
    });
  });
  const serial = child(devices, 'serial');
  setAttributes(child(serial, 'log'), { file: consolePath(context.stateDir, lab.name, vm.name) });
}
