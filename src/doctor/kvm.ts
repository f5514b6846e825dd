import type { KvmProof } from '../guest/kvm.js';
import type { Lab } from '../lab/model.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

export interface KvmFacts {
  /** Null where this user may not open the device. */
  readonly proof: KvmProof | null;
  readonly wanted: 'kvm' | 'auto' | 'tcg';
  /** `/proc/cpuinfo`. */
  readonly cpuinfo: string;
  /** Process id of the system's libvirtd where it sees `/dev/kvm`; else null. */
  readonly seenBy: number | null;
}

export async function lookAtKvm(ground: Ground): Promise<Finding[]> {
  const { drivers, lab } = ground;
  const [cpuinfo, seenBy, vhost] = await Promise.all([
    drivers.files.read('/proc/cpuinfo'),
    daemonThatSees('/dev/kvm', ground),
    drivers.kernel.exists('/dev/vhost-net'),
  ]);
  const wanted = wantedAccel(lab);
  const proof = wanted === 'tcg' ? null : await ground.kvm();
  return [...judgeKvm({ proof, wanted, cpuinfo: cpuinfo ?? '', seenBy }), judgeVhost(vhost)];
}

/** What the VMs of a lab ask for; without a lab, what they would by default. */
export function wantedAccel(lab: Lab | null): KvmFacts['wanted'] {
  const accels = new Set(lab?.vms.map(vm => vm.accel));
  if (accels.has('kvm')) return 'kvm';
  return lab === null || accels.has('auto') ? 'auto' : 'tcg';
}

/** libvirt's daemons that start QEMU. */
const DAEMONS = ['libvirtd', 'virtqemud'];

/** Only root may look into another's root folder; others learn nothing. */
async function daemonThatSees(device: string, { drivers }: Ground): Promise<number | null> {
  for (const pid of await drivers.inspect.processes(DAEMONS))
    if (await drivers.kernel.exists(`/proc/${pid}/root${device}`)) return pid;
  return null;
}

export function judgeKvm({ proof, wanted, cpuinfo, seenBy }: KvmFacts): Finding[] {
  const it = about(
    'kvm',
    'KVM',
    'Without KVM guests run under emulation: slower, and at the cost of a processor.',
  );
  const bad = wanted === 'kvm' ? it.fault : it.warning;
  if (wanted === 'tcg') return [it.ok('not needed: every VM of the lab says "accel": "tcg"')];
  if (proof === null)
    return [
      it.unseen(
        'this user may not open /dev/kvm',
        'sudo vmnet doctor, or join the group: usermod -aG kvm USER',
      ),
    ];
  const when = proof.cached ? 'tried earlier in this boot' : 'tried just now';
  if (proof.state === 'works') return [it.ok(`works: ${proof.why} (${when})`)];
  if (proof.state === 'absent') return [bad(proof.why, enableKvm(cpuinfo))];
  const broken = bad(
    `present but broken: ${proof.why} (${when})`,
    'mend nested virtualization outside, or live with emulation',
  );
  return seenBy === null ? [broken] : [broken, slowStarts(seenBy)];
}

const slowStarts = (pid: number): Finding =>
  about(
    'kvm-libvirt',
    'KVM in libvirt',
    'libvirt tries a broken KVM again at every start of a domain, which takes about a minute each.',
  ).warning(
    `libvirt's daemon (process ${pid}) sees the broken /dev/kvm`,
    'modprobe -r kvm_intel kvm_amd\nor hide the device: systemctl edit libvirtd,\n[Service] InaccessiblePaths=/dev/kvm, then systemctl restart libvirtd',
  );

/** What stands between a host without `/dev/kvm` and KVM. */
export function enableKvm(cpuinfo: string): string {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(' ') ?? [];
  if (flags.includes('vmx')) return 'modprobe kvm_intel';
  if (flags.includes('svm')) return 'modprobe kvm_amd';
  return flags.includes('hypervisor')
    ? 'this is a virtual machine: turn on nested virtualization for it, outside'
    : 'turn on virtualization (VT-x, AMD-V) in the firmware setup';
}

export function judgeVhost(present: boolean): Finding {
  const it = about(
    'vhost-net',
    'vhost-net',
    'It carries virtio frames in the kernel; QEMU does without, slower.',
  );
  return present
    ? it.ok('/dev/vhost-net is there')
    : it.warning('there is no /dev/vhost-net', 'modprobe vhost_net');
}
