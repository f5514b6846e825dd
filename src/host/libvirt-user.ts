import type { Drivers } from '../drivers/drivers.js';
import type { Lab, Vm } from '../lab/model.js';
import { parseAccount } from './accounts.js';
import type { HostState, LabRecord } from './model.js';

/**
 * Use the libvirt that a lab was applied with, unless another was named.
 * @param unrecorded whose it is where no record tells; null for what was asked for
 */
export function followLab(
  lab: string | undefined,
  records: readonly LabRecord[],
  { connection }: Drivers,
  unrecorded: LabRecord['libvirtUser'] | null = null,
): void {
  const record = records.find(({ name }) => name === lab);
  connection.follow(record ? (record.libvirtUser ?? null) : unrecorded);
}

/** Whose the guests and their taps are to be; nothing where that is the host's own libvirt. */
export async function libvirtUserFor(
  lab: Lab | null,
  networkOnly: boolean,
  drivers: Drivers,
): Promise<Pick<HostState, 'libvirtUser'>> {
  // Whoever has no guests need have no libvirt.
  if (networkOnly && (lab?.vms.length ?? 0) === 0) return {};
  const user = drivers.connection.user();
  if (user === null) return {};
  const account = await accountOf(user.uid, drivers);
  return { libvirtUser: { ...user, name: account?.name ?? String(user.uid) } };
}

const accountOf = async (uid: number, { run }: Drivers) =>
  parseAccount((await run('getent', ['passwd', String(uid)], { allowFailure: true })).stdout);

/**
 * Of these files and devices, those that a user may not open: asked of the kernel, as that user. None where we may not
 * ask so, as in a container.
 */
export async function closedTo(
  uid: number,
  wanted: { readonly read: readonly string[]; readonly write: readonly string[] },
  { run }: Drivers,
): Promise<string[]> {
  const { stdout } = await run('getent', ['passwd', String(uid)], { allowFailure: true });
  const gid = /^[^:]+:[^:]*:\d+:(\d+):/.exec(stdout)?.[1];
  const groups = gid === undefined ? '--clear-groups' : '--init-groups';
  const as = [
    `--reuid=${uid}`,
    `--regid=${gid ?? uid}`,
    groups,
    '--bounding-set=-all',
    '--inh-caps=-all',
    '--',
  ];
  const ask = async (paths: readonly string[], tests: readonly string[]) => {
    if (paths.length === 0) return [];
    const find = ['find', '-L', ...paths, '-maxdepth', '0', ...tests, '-print0'];
    const { stdout, stderr } = await run('setpriv', [...as, ...find], { allowFailure: true });
    const open = stdout.split('\0');
    return stderr.startsWith('setpriv:') ? [] : paths.filter(path => !open.includes(path));
  };
  const found = [ask(wanted.read, ['-readable']), ask(wanted.write, ['-readable', '-writable'])];
  return (await Promise.all(found)).flat();
}

/** From which taps are made; a user's libvirt opens it itself. */
export const TUN = '/dev/net/tun';

/** Files that QEMU opens where they are. */
export const filesToRead = (
  vms: readonly Vm[],
  probe: { readonly kernel: string; readonly initrd: string } | null,
): string[] => [
  ...new Set(
    vms.flatMap(({ boot, disks }) => [
      ...(boot.kind === 'probe' && probe ? [probe.kernel, probe.initrd] : []),
      ...(boot.kind === 'kernel' ? [boot.kernel, ...(boot.initrd ? [boot.initrd] : [])] : []),
      ...disks.flatMap(({ image }) => image ?? []),
    ]),
  ),
];
