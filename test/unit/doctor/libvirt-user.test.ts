import { expect, test } from 'vitest';
import { judgeLibvirtUser, type UserFacts } from '../../../src/doctor/libvirt-user.js';

const user = { uid: 1000, name: 'ann' };
const judge = (facts: Partial<UserFacts>) =>
  judgeLibvirtUser({ user, closed: [], lingers: null, ...facts }).map(({ status, found, fix }) => [
    status,
    found,
    fix,
  ]);

test('a user who may open all is fine', () => {
  expect(judge({})).toEqual([['ok', 'may open what guests are made of', null]]);
});

test('what only root can try was not looked at', () => {
  expect(judge({ closed: null })).toEqual([
    ['warning', 'not looked at: only root can try what another user may open', 'sudo vmnet doctor'],
  ]);
});

test('each thing that is closed has its own fix, and only KVM can be done without', () => {
  expect(judge({ closed: ['/dev/net/tun', '/dev/kvm', '/img/a.qcow2'] })).toEqual([
    ['fault', 'ann may not open /dev/net/tun', 'chmod 0666 /dev/net/tun'],
    [
      'warning',
      'ann may not open /dev/kvm: guests run under emulation',
      expect.stringContaining('usermod -aG kvm ann'),
    ],
    ['fault', 'ann may not read /img/a.qcow2', expect.stringContaining('setfacl -m u:ann:r /img/a.qcow2')],
  ]);
});

test('under systemd, a logout may end what the user has started', () => {
  expect(judge({ lingers: false })[1]).toEqual([
    'warning',
    'guests may end with it',
    'loginctl enable-linger ann',
  ]);
  expect(judge({ lingers: true })[1]).toEqual(['ok', 'guests go on after it', null]);
});
