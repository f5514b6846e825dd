import { describe, expect, test } from 'vitest';
import { sshArgs } from '../../../src/commands/ssh.js';
import type { Vm } from '../../../src/lab/model.js';
import { loginName } from '../../../src/lab/user-data.js';
import { isOneOf, userOf } from '../../../src/where/login.js';
import { hostsLines, sshConfigLines } from '../../../src/where/names.js';
import { whyNot } from '../../../src/where/reach.js';

const LINKS = [
  { ifname: 'br0', linkinfo: { info_kind: 'bridge' } },
  { ifname: 'br1', linkinfo: { info_kind: 'bridge' } },
  { ifname: 'br0.5', link: 'br0', linkinfo: { info_kind: 'vlan' } },
  { ifname: 'eth1' },
];
const nic = { bridge: 'br0', tap: 'tap0' };

describe('the way to a guest', () => {
  test.each([
    ['its bridge', { dev: 'br0' }],
    ['a VLAN of it', { dev: 'br0.5' }],
    ['another NIC in the same network', { dev: 'eth1' }],
  ])('is %s', (_, route) => {
    expect(whyNot(route, nic, LINKS)).toBeNull();
  });
  test.each([
    ['no route', null, 'has no route from this host'],
    ['a gateway', { dev: 'eth1', gateway: '203.0.113.1' }, 'its route leads to 203.0.113.1 on eth1'],
    ['another bridge', { dev: 'br1' }, "this host's route leads to another bridge, br1"],
    ['the host itself', { dev: 'lo', type: 'local' }, "is one of this host's own as well"],
  ])('is not %s', (_, route, why) => {
    expect(whyNot(route, nic, LINKS)).toContain(why);
  });
  test('is never a macvtap', () => {
    expect(whyNot({ dev: 'eth1' }, { bridge: null, tap: 'mv0' }, LINKS)).toContain('behind the macvtap mv0');
  });
});

describe('whom cloud-init makes', () => {
  test.each([
    ['#cloud-config\nusers:\n  - name: ann\n  - default\n', 'ann'],
    ['#cloud-config\nusers: [bob]\n', 'bob'],
    ['#cloud-config\nusers: [default, bob]\n', null],
    ['#cloud-config\nusers: [default]\nsystem_info: { default_user: { name: eve } }\n', 'eve'],
    ['#cloud-config\nuser: { name: joe }\n', 'joe'],
    ['#cloud-config\nusers: [{ name: 7 }]\n', null],
    ['#!/bin/sh\nuseradd ann\n', null],
    ['#cloud-config\n{', null],
  ])('%j', (text, name) => {
    expect(loginName(text)).toBe(name);
  });

  const vm = (image: string, cloudInit: object | null = {}) =>
    ({ boot: { kind: 'image', image }, cloudInit, disks: [] }) as unknown as Vm;
  test('is else the one of the image, by its name', () => {
    expect(userOf(vm('/images/debian-13-genericcloud.qcow2'), null)).toBe('debian');
    expect(userOf(vm('/debian/noble-server-cloudimg-amd64.img'), null)).toBe('ubuntu');
    expect(userOf(vm('/images/mine.qcow2'), null)).toBeNull();
    expect(userOf(vm('/images/debian.qcow2', null), null)).toBeNull();
  });
  test('is nobody whose name is an option', () => {
    expect(userOf(vm('/images/mine.qcow2'), '#cloud-config\nusers: ["-oProxyCommand=x"]\n')).toBeNull();
  });

  test('keys are compared without what is around them', () => {
    const keys = ['no-pty ssh-ed25519 AAAAC3Nza me@there', 'ecdsa-sha2-nistp256 AAAAE2Vj'];
    expect(isOneOf('ssh-ed25519 AAAAC3Nza other\n', keys)).toBe(true);
    expect(isOneOf('ssh-ed25519 AAAAC3Nz other\n', keys)).toBe(false);
    expect(isOneOf('', keys)).toBe(false);
  });
});

describe('ssh', () => {
  const login = { lab: 'home', vm: 'web', host: 'fe80::1%br0', user: 'debian', identity: null };
  test('knows a guest by its name, in a file of the lab, and nothing after the host is an option', () => {
    const args = sshArgs(login, '/srv/my 5%/known_hosts');
    expect(args).toContain('UserKnownHostsFile="/srv/my 5%%/known_hosts"');
    expect(args).toContain('HostKeyAlias=web.home');
    expect(args.slice(-4)).toEqual(['-l', 'debian', '--', 'fe80::1%br0']);
  });
});

describe('names', () => {
  const web = {
    vm: 'web',
    names: ['web.home', 'web'],
    addresses: ['192.0.2.5', 'fd00::5'],
    note: null,
    user: 'debian',
    identity: '/home/me/.ssh/100%',
  };
  const dark = { ...web, vm: 'dark', addresses: [], note: 'no frame seen' };
  test('for /etc/hosts', () => {
    expect(hostsLines([web, dark])).toEqual([
      '192.0.2.5 web.home web',
      'fd00::5 web.home web',
      '# dark: no address is known (no frame seen)',
    ]);
  });
  test('for ssh', () => {
    expect(sshConfigLines('home', [web, dark])).toEqual([
      'Host web web.home',
      '  HostName 192.0.2.5',
      '  User debian',
      '  IdentityFile "/home/me/.ssh/100%%"',
      '  HostKeyAlias web.home',
      '  UserKnownHostsFile ~/.ssh/known_hosts.vmnet-home',
      '  StrictHostKeyChecking accept-new',
      '# dark: no address is known (no frame seen)',
    ]);
  });
});
