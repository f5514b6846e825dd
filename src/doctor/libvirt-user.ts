import type { Drivers } from '../drivers/drivers.js';
import { closedTo, filesToRead, libvirtUserFor, TUN } from '../host/libvirt-user.js';
import type { LibvirtUser } from '../host/model.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

export interface UserFacts {
  readonly user: Pick<LibvirtUser, 'uid' | 'name'>;
  /** What that user may not open; null where only root can find out. */
  readonly closed: readonly string[] | null;
  /** Does what the user has started outlive the last logout? null without systemd, which is what ends it. */
  readonly lingers: boolean | null;
}

/** Where guests are in the libvirt of an ordinary user: may that user do what QEMU then does as that user? */
export async function lookAtLibvirtUser({ drivers, lab, root }: Ground): Promise<Finding[]> {
  if (!hasUser(drivers)) return [];
  const { libvirtUser: user } = await libvirtUserFor(null, false, drivers);
  if (!user) return [];
  const { kernel } = drivers;
  const [hasKvm, hasSystemd, lingers] = await Promise.all([
    kernel.exists(KVM),
    kernel.hasSystemd(),
    kernel.exists(`/var/lib/systemd/linger/${user.name}`),
  ]);
  const wanted = { read: filesToRead(lab?.vms ?? [], null), write: hasKvm ? [TUN, KVM] : [TUN] };
  const closed = root ? await closedTo(user.uid, wanted, drivers) : null;
  return judgeLibvirtUser({ user, closed, lingers: hasSystemd ? lingers : null });
}

/** Whose it is cannot be told where its socket is missing, of which the line on libvirt tells. */
export function hasUser({ connection }: Drivers): boolean {
  try {
    return connection.user() !== null;
  } catch {
    return false;
  }
}

const KVM = '/dev/kvm';

export function judgeLibvirtUser({ user, closed, lingers }: UserFacts): Finding[] {
  const { name } = user;
  const it = about(
    'libvirt-user',
    `libvirt of ${name}`,
    'QEMU opens taps and files as this user; it does without vhost-net, Open vSwitch and macvtap, which take root.',
  );
  const ends = about(
    'linger',
    `logout of ${name}`,
    'What a user has started may end, and the socket of its libvirt goes, with the last logout.',
  );
  const found =
    closed === null
      ? [it.unseen('only root can try what another user may open', 'sudo vmnet doctor')]
      : closed.length === 0
        ? [it.ok('may open what guests are made of')]
        : closed.map(path => closedFinding(path, name));
  if (lingers === null) return found;
  return [
    ...found,
    lingers
      ? ends.ok('guests go on after it')
      : ends.warning('guests may end with it', `loginctl enable-linger ${name}`),
  ];

  function closedFinding(path: string, name: string): Finding {
    if (path === TUN) return it.fault(`${name} may not open ${path}`, `chmod 0666 ${path}`);
    if (path === KVM)
      return it.warning(
        `${name} may not open ${path}: guests run under emulation`,
        `usermod -aG kvm ${name}, then log in again and restart the libvirt of ${name}`,
      );
    return it.fault(
      `${name} may not read ${path}`,
      `setfacl -m u:${name}:r ${path}\nand u:${name}:x on the folders above that keep others out`,
    );
  }
}
