import { describe, expect, test } from 'vitest';
import { keepsNvram } from '../../../src/plan/nvram.js';

const keeps = (os: string) =>
  keepsNvram('lab-web', `<domain type='kvm'><name>lab-web</name>${os}<devices/></domain>`, '/var/lib/vmnet');
const LOADER = "<loader type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>";

describe('UEFI variables of a domain that goes', () => {
  test.each([
    ['made by libvirt', `<os>${LOADER}<nvram>/var/lib/libvirt/qemu/nvram/lab-web_VARS.fd</nvram></os>`],
    ['made by libvirt, as qcow2', '<os><nvram>/var/lib/libvirt/qemu/nvram/lab-web_VARS.qcow2</nvram></os>'],
    ['of vmnet', "<os><nvram template='/a'>/var/lib/vmnet/disks/lab/web/nvram.fd</nvram></os>"],
    ['not there', `<os>${LOADER}</os>`],
    ['left to libvirt', "<os firmware='efi'><nvram template='/usr/share/OVMF/OVMF_VARS.fd'/></os>"],
    [
      'spoken of elsewhere',
      '<metadata><a xmlns="urn:a"><nvram>/a</nvram></a></metadata><!-- <nvram>/a</nvram> -->',
    ],
  ])('go with it: %s', (_, os) => expect(keeps(os)).toBe(false));

  test.each([
    ['of another domain', '<os><nvram>/var/lib/libvirt/qemu/nvram/router_VARS.fd</nvram></os>'],
    ['with spaces', '<os>\n  <nvram>\n  /srv/router.fd\n</nvram></os>'],
    [
      'in the newer words',
      "<os><nvram type='file' format='raw'><source file='/srv/r&amp;d.fd'/></nvram></os>",
    ],
  ])('stay, where its user named the file: %s', (_, os) => expect(keeps(os)).toBe(true));

  test('go with a domain of which nothing is known', () =>
    expect(keepsNvram('lab-web', null, '/var/lib/vmnet')).toBe(false));
});
