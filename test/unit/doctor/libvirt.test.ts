import { expect, test } from 'vitest';
import { judgeLibvirt, type LibvirtFacts } from '../../../src/doctor/libvirt.js';

const facts = (more: Partial<LibvirtFacts>): LibvirtFacts => ({
  uri: 'qemu:///system',
  root: true,
  refused: null,
  versions: { libvirt: '9.0.0', hypervisor: '7.2.22' },
  types: { qemu: null },
  wanted: ['qemu'],
  family: 'debian',
  ...more,
});
const refused = { message: 'cannot connect to libvirt', hint: 'systemctl start libvirtd' };
const statuses = (more: Partial<LibvirtFacts>) =>
  judgeLibvirt(facts(more)).map(({ id, status }) => `${id} ${status}`);

test.each<[string, Partial<LibvirtFacts>, string[]]>([
  ['in order', {}, ['libvirt ok', 'qemu ok', 'domain-type ok']],
  ['stopped', { refused }, ['libvirt fault']],
  ['not for this user', { refused, root: false }, ['libvirt warning']],
  ['slow to answer', { versions: null, types: {} }, ['libvirt warning']],
  [
    'too old for taps made beforehand',
    { versions: { libvirt: '5.6.0', hypervisor: '4.1.0' } },
    ['libvirt fault', 'qemu ok', 'domain-type ok'],
  ],
  [
    'without QEMU',
    {
      versions: { libvirt: '9.0.0', hypervisor: null },
      types: { qemu: { message: 'no emulator', hint: null } },
    },
    ['libvirt ok', 'qemu warning', 'domain-type fault'],
  ],
  [
    'without KVM that the lab forces',
    { types: { kvm: { message: 'no KVM', hint: null }, qemu: null } },
    ['libvirt ok', 'qemu ok', 'domain-type fault', 'domain-type ok'],
  ],
])('libvirt %s', (_, more, expected) => expect(statuses(more)).toEqual(expected));

test('the fix of a stopped libvirt starts it, or installs it', () => {
  expect(judgeLibvirt(facts({ refused }))[0]?.fix).toBe(
    'systemctl start libvirtd\nif it is not installed: apt-get install libvirt-daemon-system libvirt-daemon-driver-qemu',
  );
});
