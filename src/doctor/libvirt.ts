import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { Lab } from '../lab/model.js';
import { machineFor } from '../render/machine.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';
import { type Family, familyOf, install, PACKAGES } from './packages.js';
import { isOlder } from './versions.js';

export interface LibvirtFacts {
  readonly uri: string;
  readonly root: boolean;
  /** Why it cannot be reached; null where it can. */
  readonly refused: Complaint | null;
  /** Null where it gave no answer in time, or refused. */
  readonly versions: { readonly libvirt: string; readonly hypervisor: string | null } | null;
  /** By libvirt's name of the type: why it does not offer it; null where it does; absent where it was not asked. */
  readonly types: Readonly<Partial<Record<DomainType, Complaint | null>>>;
  /** Types of which one has to be there, each with who needs it. */
  readonly wanted: readonly DomainType[];
  readonly family: Family;
}

export type DomainType = 'kvm' | 'qemu';

interface Complaint {
  readonly message: string;
  readonly hint: string | null;
}

/** Milliseconds: a libvirt that probes a broken KVM takes more than a minute, and that is a finding as well. */
const PATIENCE = 15_000;

export async function lookAtLibvirt(ground: Ground): Promise<Finding[]> {
  const { drivers, lab, root } = ground;
  const family = familyOf((await drivers.files.read('/etc/os-release')) ?? '');
  const wanted = typesOf(lab);
  const facts = { uri: drivers.connection.uri, root, wanted, family, versions: null, types: {} };
  let libvirt: Awaited<ReturnType<Drivers['libvirt']>>;
  try {
    libvirt = await drivers.libvirt();
  } catch (error) {
    return judgeLibvirt({ ...facts, refused: complaint(error) });
  }
  const call = { deadlineMs: PATIENCE };
  const versions = await libvirt.versions(call).catch(() => null);
  const { arch } = machineFor(process.arch);
  const asked = versions === null ? [] : wanted;
  const types = await Promise.all(
    asked.map(async type => [
      type,
      await libvirt.domainCapabilities({ arch, virttype: type }, call).then(() => null, complaint),
    ]),
  );
  return judgeLibvirt({ ...facts, refused: null, versions, types: Object.fromEntries(types) });
}

/** Domain types that the lab's VMs may end up with. */
function typesOf(lab: Lab | null): DomainType[] {
  const accels = new Set(lab?.vms.map(vm => vm.accel));
  if (lab === null || accels.has('auto')) return accels.has('kvm') ? ['kvm', 'qemu'] : ['qemu'];
  return [...accels].map(accel => (accel === 'kvm' ? 'kvm' : 'qemu'));
}

function complaint(error: unknown): Complaint {
  if (error instanceof VmnetError) return { message: error.message, hint: error.hint };
  throw error;
}

export function judgeLibvirt(facts: LibvirtFacts): Finding[] {
  const { uri, root, refused, versions, types, family } = facts;
  const it = about(
    'libvirt',
    'libvirt',
    'It defines and starts the guests; only --network-only does without.',
  );
  if (refused !== null) {
    const fix = [refused.hint, install(PACKAGES.libvirt, family)]
      .filter(Boolean)
      .join('\nif it is not installed: ');
    return [root ? it.fault(refused.message, fix) : it.unseen(refused.message, 'sudo vmnet doctor')];
  }
  if (versions === null)
    return [
      it.warning(
        `reached at ${uri}, but it did not tell its version in ${PATIENCE / 1000} s`,
        'it may be trying a broken KVM: see the line on KVM\njournalctl -u libvirtd',
      ),
    ];
  return [
    judgeVersion(versions.libvirt, uri),
    judgeQemu(versions.hypervisor, family),
    ...Object.entries(types).map(([type, why]) => judgeType(type as DomainType, why ?? null, family)),
  ];
}

/** `<target managed='no'/>` came with libvirt 5.7.0. */
const LEAST = '5.7.0';

function judgeVersion(version: string, uri: string): Finding {
  const it = about(
    'libvirt',
    'libvirt',
    "Guests use taps made beforehand (managed='no'), which takes libvirt 5.7.",
  );
  return isOlder(version, LEAST)
    ? it.fault(`${version} at ${uri} is too old`, `upgrade the distribution: libvirt ${LEAST} or newer`)
    : it.ok(`${version}, at ${uri}`);
}

function judgeQemu(version: string | null, family: Family): Finding {
  const it = about('qemu', 'QEMU of libvirt', 'It is the program that guests run in.');
  return version === null
    ? it.warning('libvirt does not tell which', install(PACKAGES.qemu, family))
    : it.ok(version);
}

function judgeType(type: DomainType, why: Complaint | null, family: Family): Finding {
  const name = type === 'kvm' ? 'KVM' : 'emulated';
  const it = about('domain-type', `${name} domains`, 'The lab needs libvirt to offer domains of this type.');
  if (why === null) return it.ok(`libvirt offers type '${type}'`);
  return it.fault(
    why.message,
    type === 'kvm'
      ? 'leave "accel" out, so that KVM is used only where it works; in a domain XML of your own, write type=\'qemu\''
      : install(PACKAGES.qemu, family),
  );
}
