import { createHash } from 'node:crypto';
import type { Boot, Lab, Vm } from '../lab/model.js';
import { type CardContext, cardElements } from './cards.js';
import { type Machine, probeCmdline } from './machine.js';
import { ownDomainXml } from './own-domain.js';
import { diskPath, nvramPath } from './paths.js';
import { seedPath } from './seed.js';
import { build, child, type Element, setAttributes, template } from './xml.js';

/** What rendering needs beside the lab: facts that were found out before, so that it stays pure. */
export interface RenderContext extends CardContext {
  readonly machine: Machine;
  /** What `"accel": "auto"` means on this host. */
  readonly accel: 'kvm' | 'tcg';
  /** The built-in guest's files; null where no VM of the lab boots it. */
  readonly probe: { readonly kernel: string; readonly initrd: string } | null;
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

/** Domain XML of one VM, marked as ours. */
export function renderDomain(lab: Lab, vm: Vm, context: RenderContext): RenderedDomain {
  const digest = createHash('sha256')
    .update(domainXml(lab, vm, context, ''))
    .digest('hex')
    .slice(0, 16);
  return { xml: domainXml(lab, vm, context, digest), digest };
}

function domainXml(lab: Lab, vm: Vm, context: RenderContext, digest: string): string {
  if (vm.boot.kind === 'domainXml') return ownDomainXml(lab, vm, vm.boot, context, digest);
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
  if (vm.firmware !== 'uefi') return;
  setAttributes(os, { firmware: 'efi' });
  // Images that nobody signed would not boot.
  os.firmware = [{ feature: [{ $: { enabled: 'no', name: 'secure-boot' } }] }];
  os.nvram = [nvramPath(context.stateDir, lab.name, vm.name)];
}

function directBoot(lab: Lab, vm: Vm, boot: Boot, { probe, machine }: RenderContext) {
  if (boot.kind === 'kernel') return boot;
  if (boot.kind !== 'probe') return null;
  if (probe === null) throw new Error(`${vm.name} boots the probe guest, which was not located`);
  const served = new Set(lab.bridges.filter(({ dhcp }) => dhcp !== null).map(({ name }) => name));
  return { ...probe, cmdline: probeCmdline(vm, machine, served) };
}

function fillDevices(devices: Element, lab: Lab, vm: Vm, context: RenderContext): void {
  const disks = diskElements(child(devices, 'disk'), lab, vm, context);
  if (disks.length > 0) devices.disk = disks;
  else delete devices.disk;
  devices.interface = cardElements(lab, vm, context);
  const serial = child(devices, 'serial');
  setAttributes(child(serial, 'log'), { file: consolePath(context.stateDir, lab.name, vm.name) });
  if (vm.boot.kind === 'probe') delete devices.channel; // no agent is in there
}

/** The disks of a VM, and last the seed, which is no CD: the driver of a virtual disk is in every guest. */
function diskElements(like: Element, lab: Lab, vm: Vm, { stateDir }: RenderContext): Element[] {
  const seed = vm.cloudInit === null ? [] : [seedPath(stateDir, lab, vm, vm.cloudInit)];
  const files = [
    ...vm.disks.map(disk => ({
      file: diskPath(stateDir, lab.name, vm.name, disk),
      type: disk.image === null ? disk.format : 'qcow2',
      readOnly: disk.readOnly,
    })),
    ...seed.map(file => ({ file, type: 'raw', readOnly: true })),
  ];
  return files.map(({ file, type, readOnly }, index) => {
    const disk = structuredClone(like);
    setAttributes(child(disk, 'driver'), { type });
    setAttributes(child(disk, 'source'), { file });
    setAttributes(child(disk, 'target'), { dev: `vd${String.fromCharCode(97 + index)}` });
    if (readOnly) disk.readonly = [{}];
    return disk;
  });
}
