import { describe, expect, test } from 'vitest';
import {
  judgeConfinement,
  judgeQemuUser,
  qemuUser,
  setting,
  stopsAt,
} from '../../../src/doctor/confinement.js';

const PASSWD = 'root:x:0:0:root:/root:/bin/bash\nlibvirt-qemu:x:64055:104:Libvirt Qemu:/:/usr/sbin/nologin\n';
const GROUP = 'kvm:x:104:\nlibvirt-qemu:x:64055:libvirt-qemu\nlabs:x:2000:me,libvirt-qemu\n';
const debian = { name: 'libvirt-qemu', uid: 64055, gids: [104, 64055, 2000] };

describe("QEMU's user", () => {
  test.each([
    ['of the distribution', '', debian],
    ['a comment does not set it', '#user = "root"\n', debian],
    ['of qemu.conf', 'user = "libvirt-qemu"\n', debian],
    ['by number', 'user = "+64055"\n', debian],
    ['root', '  user = "root"\n', null],
  ])('%s', (_, conf, user) => expect(qemuUser(conf, PASSWD, GROUP)).toEqual(user));

  test('that nobody made is root', () => expect(qemuUser('', 'root:x:0:0::/:/bin/sh', '')).toBeNull());
});

const folder = (path: string, mode: number, uid = 0, gid = 0) => ({ path, mode, uid, gid, folder: true });

describe('a way through folders', () => {
  test.each([
    ['open to all', folder('/home/me', 0o755), false],
    ['to be passed, not listed', folder('/home/me', 0o711), false],
    ['of another', folder('/home/me', 0o700, 1000, 1000), true],
    ['of its own', folder('/srv', 0o700, 64055), false],
    ['of a group that it is in', folder('/srv', 0o750, 0, 2000), false],
    ['closed to the group that it is in, open to others', folder('/srv', 0o705, 0, 2000), true],
  ])('%s', (_, part, stopped) => {
    expect(stopsAt([folder('/', 0o755), part], debian) !== null).toBe(stopped);
    const finding = judgeQemuUser(debian, [[folder('/', 0o755), part]]);
    expect(finding.status).toBe(stopped ? 'fault' : 'ok');
    if (stopped) expect(finding.fix).toBe(`chmod o+x ${part.path}`);
  });

  test('the files themselves libvirt hands over', () => {
    const file = { ...folder('/srv/disk.qcow2', 0o600), folder: false };
    expect(judgeQemuUser(debian, [[folder('/srv', 0o755), file]]).status).toBe('ok');
    expect(judgeQemuUser(null, [[folder('/root', 0o700)]]).status).toBe('ok');
  });
});

describe('AppArmor and SELinux', () => {
  const facts = { apparmor: false, selinux: 'off', driver: null, stateDir: '/var/lib/vmnet' } as const;
  test.each([
    ['neither', facts, 'ok', 'neither'],
    ['AppArmor', { ...facts, apparmor: true }, 'ok', 'AppArmor is on'],
    [
      'AppArmor, and a home folder',
      { ...facts, apparmor: true, stateDir: '/home/me/labs' },
      'warning',
      '/home/me/labs',
    ],
    ['SELinux', { ...facts, selinux: 'enforcing' as const }, 'warning', 'SELinux enforces'],
    ['SELinux that only notes', { ...facts, selinux: 'permissive' as const }, 'ok', 'only notes'],
    [
      'SELinux, off for guests',
      { ...facts, selinux: 'enforcing' as const, driver: 'none' },
      'ok',
      'turned off',
    ],
  ])('%s', (_, given, status, found) => {
    const finding = judgeConfinement(given);
    expect(finding.status).toBe(status);
    expect(finding.found).toContain(found);
  });

  test('a setting of qemu.conf', () => {
    expect(setting('# security_driver = "none"\nsecurity_driver = "apparmor"\n', 'security_driver')).toBe(
      'apparmor',
    );
    expect(setting('security_driver = [ "none" ]\n', 'security_driver')).toBeNull();
  });
});
