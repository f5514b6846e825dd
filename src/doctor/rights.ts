import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

/** What vmnet does with each capability, by the kernel's number. */
const WANTED = [
  { number: 12, name: 'CAP_NET_ADMIN', short: 'NET_ADMIN' },
  { number: 13, name: 'CAP_NET_RAW', short: 'NET_RAW' },
  { number: 21, name: 'CAP_SYS_ADMIN', short: 'SYS_ADMIN' },
] as const;

export interface Rights {
  readonly uid: number;
  readonly capabilities: ReadonlySet<number>;
  /** `/proc/self/uid_map`. */
  readonly uidMap: string;
}

export async function lookAtRights({ drivers }: Ground): Promise<Finding[]> {
  const [capabilities, uidMap, tun] = await Promise.all([
    drivers.inspect.capabilities(),
    drivers.files.read('/proc/self/uid_map'),
    drivers.inspect.device('/dev/net/tun'),
  ]);
  const rights = { uid: process.getuid?.() ?? 0, capabilities, uidMap: uidMap ?? '' };
  return [judgeRights(rights), judgeTun(tun)];
}

export function judgeRights({ uid, capabilities, uidMap }: Rights): Finding {
  const it = about(
    'rights',
    'rights',
    'Links, firewall counters and namespaces take CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN.',
  );
  const missing = WANTED.filter(({ number }) => !capabilities.has(number));
  const names = missing.map(({ name }) => name).join(', ');
  if (missing.length > 0 && uid !== 0)
    return it.warning(
      `an ordinary user (uid ${uid}); provision needs root, and so do some checks`,
      'sudo vmnet doctor',
    );
  if (missing.length > 0) {
    const flags = missing.map(({ short }) => `--cap-add ${short}`).join(' ');
    return it.fault(
      `root, but without ${names}: the root of a container`,
      `docker run ${flags} …\nor run vmnet on the host itself`,
    );
  }
  if (uidMap.trim() !== '' && !isWhole(uidMap))
    return it.warning(
      'the root of a user namespace, which is no root to the host',
      'run vmnet outside of the rootless container',
    );
  return it.ok(uid === 0 ? 'root, with the capabilities needed' : `uid ${uid}, with the capabilities needed`);
}

/** Every user of the host, under its own number. */
const isWhole = (uidMap: string) => /^\s*0\s+0\s+4294967295\s*$/.test(uidMap);

/** Major and minor number of the one device that makes taps. */
const TUN = '10,200';

export function judgeTun({
  error,
  number,
}: {
  readonly error: string | null;
  readonly number: readonly number[] | null;
}): Finding {
  const it = about('tun', '/dev/net/tun', 'Taps, the cables of the guests, are made from it.');
  if (error === 'ENOENT')
    return it.fault('is not there', 'modprobe tun\nin a container: docker run --device /dev/net/tun …');
  if (number !== null && number.join() !== TUN)
    return it.fault(
      `is another device (${number.join(':')} instead of 10:200)`,
      'rm /dev/net/tun && mknod -m 666 /dev/net/tun c 10 200',
    );
  if (error === 'EPERM')
    return it.fault(
      'may not be opened: the container has no right to the device',
      'docker run --device /dev/net/tun …',
    );
  if (error === 'EACCES') return it.unseen('this user may not open it', 'sudo vmnet doctor');
  if (error !== null) return it.fault(`does not open (${error})`, 'modprobe tun');
  return number === null
    ? it.fault('is no device', 'rm /dev/net/tun && mknod -m 666 /dev/net/tun c 10 200')
    : it.ok('opens');
}
