import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { buildProbe, locateProbe, type ProbeGuest } from '../guest/build.js';
import { proveKvm } from '../guest/kvm.js';
import { closedTo, filesToRead, TUN } from '../host/libvirt-user.js';
import type { HostState, LibvirtUser } from '../host/model.js';
import { ownPart } from '../lab/existing.js';
import type { Lab } from '../lab/model.js';
import { bridgeMtus } from '../plan/bridge.js';
import { aliveNames } from '../plan/guest.js';
import { datapathOf } from '../plan/ovs-state.js';
import type { RenderContext } from '../render/domain.js';
import { machineFor } from '../render/machine.js';

export interface Prepared {
  readonly context: RenderContext;
  /** One line on how guests will run, for people. */
  readonly accelNote: string;
}

/** Find out what rendering needs; with `build`, make the probe guest where it is missing. */
export async function prepareRender(
  lab: Lab,
  host: HostState,
  drivers: Drivers,
  build: boolean,
): Promise<Prepared> {
  const machine = machineFor(process.arch);
  const boots = lab.vms.some(vm => vm.boot.kind === 'probe');
  const probe = boots ? await (build ? buildProbe(drivers) : locateProbe(drivers)) : null;
  const { accel, note } = lab.vms.some(vm => vm.accel === 'auto')
    ? await chooseAccel(drivers, machine.arch)
    : { accel: 'tcg' as const, note: '' };
  if (build) await requireDomainTypes(lab, host, accel, machine.arch, drivers);
  const mtus = bridgeMtus(lab, host);
  const userspace = lab.bridges.filter(it => it.type === 'ovs' && datapathOf(it, host) === 'netdev');
  const user = host.libvirtUser;
  if (build && user) await requireFiles(lab, host, user, probe, drivers);
  const context = {
    ...(user ? { user: user.uid } : {}),
    ...{ machine, accel, probe, mtus },
    stateDir: drivers.guestDir,
  };
  return {
    context: { ...context, userspace: userspace.map(({ name }) => name) },
    accelNote: note,
  };
}

/** Before anything is changed: may the user whose QEMUs they are open what the guests are made of? */
async function requireFiles(
  lab: Lab,
  host: HostState,
  { uid, name }: LibvirtUser,
  probe: ProbeGuest | null,
  drivers: Drivers,
): Promise<void> {
  const alive = aliveNames(host);
  const starting = ownPart(lab).vms.filter(vm => !alive.has(vm.domain));
  if (starting.length === 0) return;
  const read = filesToRead(starting, probe);
  const [first, ...more] = await closedTo(uid, { read, write: [TUN] }, drivers);
  if (first === undefined) return;
  throw new VmnetError(
    'permission',
    `the user ${name}, as whom the guests run, may not open ${[first, ...more].join(', ')}`,
    first === TUN
      ? 'Let users open it, as is usual (a tap is opened by its owner only): chmod 0666 /dev/net/tun'
      : `Let that user read it, and pass through the folders above: \`setfacl -m u:${name}:r FILE\`, \`setfacl -m u:${name}:x FOLDER\`.`,
  );
}

/** Before anything is changed: can libvirt start the guests that have to be started? */
async function requireDomainTypes(
  lab: Lab,
  host: HostState,
  accel: 'kvm' | 'tcg',
  arch: string,
  drivers: Drivers,
): Promise<void> {
  const alive = aliveNames(host);
  // Domains in the user's own words may be of any architecture and type: libvirt tells when it defines them.
  const starting = lab.vms.filter(vm => !alive.has(vm.domain) && vm.boot.kind !== 'domainXml');
  const types = new Set(starting.map(vm => (vm.accel === 'auto' ? accel : vm.accel)));
  const libvirt = await drivers.libvirt();
  for (const type of types) {
    await libvirt
      .domainCapabilities({ arch, virttype: type === 'kvm' ? 'kvm' : 'qemu' })
      .catch((error: Error) => {
        throw new VmnetError(
          'missing-tool',
          `libvirt cannot start ${type === 'kvm' ? 'KVM' : 'emulated'} guests for ${arch}: ${error.message}`,
          type === 'kvm'
            ? 'Leave "accel" out, so that KVM is used only where it works.'
            : 'Install QEMU: apt-get install qemu-system-x86 (qemu-system-arm on arm64).',
          error,
        );
      });
  }
  if (starting.some(vm => vm.firmware === 'uefi')) await requireUefi(types, arch, drivers);
}

/** libvirt knows of a firmware by small files that come with it. */
async function requireUefi(types: ReadonlySet<'kvm' | 'tcg'>, arch: string, drivers: Drivers): Promise<void> {
  const libvirt = await drivers.libvirt();
  const { type: machine } = machineFor(process.arch);
  for (const type of types) {
    const offered = await libvirt.domainCapabilities({
      arch,
      machine,
      virttype: type === 'kvm' ? 'kvm' : 'qemu',
    });
    if (
      /<enum name='firmware'>(?:.|\n)*?<value>efi<\/value>(?:.|\n)*?<\/enum>/.test(
        offered.split('<loader')[0] ?? '',
      )
    )
      continue;
    throw new VmnetError(
      'missing-tool',
      'VMs with "firmware": "uefi" cannot be started: libvirt finds no UEFI firmware for them',
      `Install it (Debian and Ubuntu: apt-get install ${arch === 'aarch64' ? 'qemu-efi-aarch64' : 'ovmf'}), or use "bios" where the image boots so.`,
    );
  }
}

/** KVM where it was proven to work and libvirt offers it; else emulation, and why. */
export async function chooseAccel(
  drivers: Drivers,
  arch: string = machineFor(process.arch).arch,
): Promise<{ accel: 'kvm' | 'tcg'; note: string }> {
  const emulated = (why: string) => ({
    accel: 'tcg' as const,
    note: `guests run under emulation (TCG): ${why}`,
  });
  try {
    const kvm = await proveKvm(drivers, () => buildProbe(drivers), arch);
    if (kvm.state !== 'works')
      return emulated(kvm.state === 'broken' ? `KVM is present but broken: ${kvm.why}` : kvm.why);
  } catch (error) {
    if (!(error instanceof VmnetError)) throw error;
    return emulated(`KVM could not be proven: ${error.message}`);
  }
  const libvirt = await drivers.libvirt();
  const user = drivers.connection.user();
  const offered = await libvirt.domainCapabilities({ arch, virttype: 'kvm' }).then(
    () => true,
    () => false,
  );
  return offered
    ? { accel: 'kvm', note: 'guests run with KVM' }
    : emulated(`libvirt offers no KVM domains${user ? `: may uid ${user.uid} open /dev/kvm?` : ''}`);
}
