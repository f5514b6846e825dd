import type { Boot, Lab, Vm } from '../lab/model.js';
import { diskBootOrder } from './boot-order.js';
import { type CardContext, cardElements } from './cards.js';
import { type Machine, probeCmdline } from './machine.js';
import { type DomainMarks, markElement, marksOf, PLUGGED, shortHash } from './mark.js';
import { ownDomainXml } from './own-domain.js';
import { diskPath, nvramPath } from './paths.js';
import { rootPorts } from './root-ports.js';
import { seedPath } from './seed.js';
import { build, child, children, copyOf, type Element, setAttributes, template } from './xml.js';

/** What rendering needs beside the lab: facts that were found out before, so that it stays pure. */
export interface RenderContext extends CardContext {
  readonly machine: Machine;
  /** What `"accel": "auto"` means on this host. */
  readonly accel: 'kvm' | 'tcg';
  /** The built-in guest's files; null where no VM of the lab boots it. */
  readonly probe: { readonly kernel: string; readonly initrd: string } | null;
  /** Folder in which consoles and disks are kept. */
  readonly stateDir: string;
  /** The ordinary user, by number, in whose own libvirt the guests are; missing where it is that of the host. */
  readonly user?: number;
}

export interface RenderedDomain {
  readonly xml: string;
  /** First 16 hex digits of the SHA-256 of the XML without the mark's digests and without spare ports. */
  readonly digest: string;
  /** What the mark says beside that, by which a change of NICs alone is told; null where that is not to be told. */
  readonly marks: DomainMarks | null;
  /** `<interface>` of each NIC, by its index. */
  readonly interfaces: readonly string[];
  /** The mark of a running guest that came to this by plugging. */
  readonly liveMark: string;
}

/** File that a VM's serial console is logged to. */
export const consolePath = (stateDir: string, lab: string, vm: string) =>
  `${stateDir}/consoles/${lab}/${vm}.log`;

/** Load what rendering needs, before there is anything to render. */
export function warmUp(): void {
  for (const name of ['domain.xml', 'interface.xml']) build('domain', template(name));
}

/** Domain XML of one VM, marked as ours. Of a domain that is as it should be, nothing but the digest is asked. */
export function renderDomain(lab: Lab, vm: Vm, context: RenderContext): RenderedDomain {
  if (vm.boot.kind === 'domainXml') return ownDomain(lab, vm, vm.boot, context);
  const domain = domainElement(lab, vm, context);
  const digest = shortHash(build('domain', domain));
  let full: Omit<RenderedDomain, 'digest'> | undefined;
  const inFull = () => {
    full ??= marked(lab, vm, context, domain, digest);
    return full;
  };
  return {
    digest,
    get xml() {
      return inFull().xml;
    },
    get marks() {
      return inFull().marks;
    },
    get interfaces() {
      return inFull().interfaces;
    },
    get liveMark() {
      return inFull().liveMark;
    },
  };
}

/** @param domain is filled in with its mark and spare ports */
function marked(
  lab: Lab,
  vm: Vm,
  context: RenderContext,
  domain: Element,
  digest: string,
): Omit<RenderedDomain, 'digest'> {
  const devices = child(domain, 'devices');
  const interfaces = children(devices, 'interface');
  const rest = shortHash(build('domain', domainElement(lab, { ...vm, nics: [] }, context)));
  const marks = marksOf(lab, vm, rest, interfaces);
  const mark = { lab: lab.name, vm: vm.name, digest, ...marks.attributes };
  setAttributes(child(child(domain, 'metadata'), 'vmnet:endpoint'), mark);
  // Not in the digest: a guest that was defined without spare ports is no outdated one.
  devices.controller = [...children(devices, 'controller'), ...rootPorts(devices)];
  return {
    xml: build('domain', domain),
    marks,
    interfaces: interfaces.map(element => build('interface', element)),
    liveMark: markElement({ ...mark, ...PLUGGED }),
  };
}

/** All of it is the user's, so no part is told from the rest. */
function ownDomain(
  lab: Lab,
  vm: Vm,
  boot: Extract<Boot, { kind: 'domainXml' }>,
  context: RenderContext,
): RenderedDomain {
  const digest = shortHash(ownDomainXml(lab, vm, boot, context, ''));
  const xml = ownDomainXml(lab, vm, boot, context, digest);
  return { xml, digest, marks: null, interfaces: [], liveMark: '' };
}

function domainElement(lab: Lab, vm: Vm, context: RenderContext): Element {
  const accel = vm.accel === 'auto' ? context.accel : vm.accel;
  const domain = template('domain.xml');
  setAttributes(domain, { type: accel === 'kvm' ? 'kvm' : 'qemu' });
  domain.name = [vm.domain];
  domain.uuid = [vm.uuid];
  const mark = child(child(domain, 'metadata'), 'vmnet:endpoint');
  setAttributes(mark, { lab: lab.name, vm: vm.name, digest: '' });
  child(domain, 'memory')._ = String(vm.memoryMiB);
  domain.vcpu = [String(vm.vcpus)];
  if (vm.boot.kind === 'probe') domain.on_reboot = ['destroy']; // a panic ends the guest, visibly
  fillFeatures(domain, accel, context.machine);
  fillBoot(child(domain, 'os'), lab, vm, context);
  fillDevices(child(domain, 'devices'), lab, vm, context);
  return domain;
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
  // A user's libvirt cannot make files in our folders: it has one of its own for them.
  if (context.user === undefined) os.nvram = [nvramPath(context.stateDir, lab.name, vm.name)];
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
  // By it libvirt reaches a guest agent, where the guest has one; the probe guest has none.
  if (vm.boot.kind === 'probe') delete devices.channel;
  const serial = child(devices, 'serial');
  const file = consolePath(context.stateDir, lab.name, vm.name);
  // Otherwise its virtlogd would delete the file first, which in a folder of root's it may not; a start empties it.
  const append = context.user === undefined ? 'off' : 'on';
  setAttributes(child(serial, 'log'), { file, append });
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
  const order = diskBootOrder(vm);
  return files.map(({ file, type, readOnly }, index) => {
    const disk = copyOf(like);
    setAttributes(child(disk, 'driver'), { type });
    setAttributes(child(disk, 'source'), { file });
    setAttributes(child(disk, 'target'), { dev: `vd${String.fromCharCode(97 + index)}` });
    if (readOnly) disk.readonly = [{}];
    if (index === 0 && order !== null) disk.boot = [{ $: { order: String(order) } }];
    return disk;
  });
}
