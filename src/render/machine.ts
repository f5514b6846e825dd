import type { Nic, Vm } from '../lab/model.js';

/** The virtual machine type that fits the host's processor. */
export interface Machine {
  /** libvirt's name of the architecture. */
  readonly arch: string;
  readonly type: string;
  /** The guest kernel's name of the first serial port. */
  readonly console: string;
  /** An x86 thing, and ACPI without UEFI as well. */
  readonly apic: boolean;
  /** CPU model for emulation, where QEMU's default is too old for a kernel of today; else null. */
  readonly emulatedCpu: string | null;
}

/** By Node's `process.arch`; anything else is taken for x86-64. */
export function machineFor(arch: string): Machine {
  return arch === 'arm64'
    ? { arch: 'aarch64', type: 'virt', console: 'ttyAMA0', apic: false, emulatedCpu: 'cortex-a57' }
    : { arch: 'x86_64', type: 'q35', console: 'ttyS0', apic: true, emulatedCpu: null };
}

/**
 * Kernel command line of the probe guest: quiet, ending at a panic instead of hanging, with its NICs' addresses and
 * gateways.
 * @param served names of the bridges with DHCP, where a NIC without an IPv4 address asks for one
 */
export function probeCmdline(vm: Vm, machine: Machine, served: ReadonlySet<string>): string {
  const asks = ({ bridge, addresses }: Nic) =>
    served.has(bridge) && addresses.every(cidr => cidr.includes(':'));
  const nics = vm.nics.map(
    nic => `vmnet.nic=${[nic.mac, ...nic.addresses, ...(asks(nic) ? ['dhcp'] : [])].join(',')}`,
  );
  const mtus = vm.nics.flatMap(nic => (nic.mtu === null ? [] : [`vmnet.mtu=${nic.mac},${nic.mtu}`]));
  const ways = vm.nics.flatMap(nic => nic.gateways.map(gateway => `vmnet.via=${nic.mac},${gateway}`));
  const forward = vm.boot.kind === 'probe' && vm.boot.forward ? ['vmnet.forward'] : [];
  return [
    `console=${machine.console}`,
    'quiet',
    'panic=-1',
    'net.ifnames=0',
    ...nics,
    ...mtus,
    ...ways,
    ...forward,
  ].join(' ');
}
