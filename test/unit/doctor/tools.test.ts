import { describe, expect, test } from 'vitest';
import { familyOf, install, PACKAGES } from '../../../src/doctor/packages.js';
import { judgeTool, toolsFor } from '../../../src/doctor/tools.js';
import { isOlder, versionIn } from '../../../src/doctor/versions.js';
import { labFrom } from '../../fakes/labs.js';

const tool = (program: string, lab: object | null = null) => {
  const found = toolsFor(lab && labFrom(lab), 'x86_64').find(candidate => candidate.program === program);
  if (!found) throw new Error(`no tool ${program}`);
  return found;
};
const lab = (boot: unknown) => ({
  version: 1,
  name: 'l',
  bridges: { br0: {} },
  vms: { a: { boot, nics: [{ bridge: 'br0' }] } },
});

describe('versions as programs print them', () => {
  test.each([
    ['ip utility, iproute2-6.1.0, libbpf 1.1.2', '6.1.0'],
    ['ip utility, iproute2-5.5.0', '5.5.0'],
    ['bridge utility, 6.1.0', '6.1.0'],
    ['nftables v1.0.6 (Lester Gooch #5)', '1.0.6'],
    ['tcpdump version 4.99.3\nlibpcap version 1.10.3', '4.99.3'],
    ['qemu-img version 7.2.22 (Debian 1:7.2+dfsg-7)', '7.2.22'],
    ['BusyBox v1.35.0 (Debian 1:1.35.0-4) multi-call binary.', '1.35.0'],
    ['cpio (GNU cpio) 2.13', '2.13'],
    ['unshare from util-linux 2.38.1', '2.38.1'],
    ['ping from iputils 20221126', null],
    ['', null],
  ])('%j is %s', (text, version) => expect(versionIn(text)).toBe(version));

  test.each([
    ['5.4', '5.4', false],
    ['5.4.0', '5.4', false],
    ['5.10.0', '5.4', false],
    ['4.20.0', '5.4', true],
    ['0.9.8', '0.9.9', true],
    ['5.6.99', '5.7.0', true],
  ])('%s is older than %s: %s', (version, least, older) => expect(isOlder(version, least)).toBe(older));
});

describe('a tool', () => {
  test.each([
    ['ip', 'ip utility, iproute2-6.1.0', 'ok', '6.1.0'],
    ['ip', 'ip utility, iproute2-ss190107', 'fault', 'of 190107 is too old'],
    ['ip', 'ip utility, iproute2-ss200127', 'ok', 'of 200127'],
    ['ip', 'ip utility, iproute2-4.20.0', 'fault', '4.20.0 is too old'],
    ['nft', 'nftables v0.9.8 (E.D.S.)', 'fault', '0.9.8 is too old'],
    ['ping', 'ping from iputils 20221126', 'ok', '20221126'],
    ['unshare', 'BusyBox', 'ok', 'does not tell its version'],
    ['ip', null, 'fault', 'not installed'],
    ['tcpdump', null, 'warning', 'not installed'],
  ])('%s that prints %j is %s', (program, printed, status, found) => {
    const finding = judgeTool(tool(program), printed, 'debian');
    expect(finding).toMatchObject({ id: `tool-${program}`, status });
    expect(finding.found).toContain(found);
  });

  test('is needed as far as the lab needs it', () => {
    const image = lab({ image: '/x.qcow2' });
    expect(tool('qemu-img', image).missing).toBe('fault');
    expect(tool('cpio', image).missing).toBe('warning');
    expect(tool('cpio', lab('probe')).missing).toBe('fault');
    expect(tool('qemu-img', lab('probe')).missing).toBe('warning');
  });
});

test.each([
  ['PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n', 'apt-get install qemu-utils'],
  ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'apt-get install qemu-utils'],
  ['ID=fedora\n', 'dnf install qemu-img'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'dnf install qemu-img'],
  ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', 'zypper install qemu-img'],
  ['ID=arch\n', 'pacman -S qemu-img'],
  ['', 'apt-get install qemu-utils'],
])('%j installs with: %s', (osRelease, command) => {
  expect(install(PACKAGES.qemuImg, familyOf(osRelease))).toBe(command);
});
