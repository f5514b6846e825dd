import { expect, test } from 'vitest';
import { judgeNesting, type NestedFacts } from '../../../src/doctor/nested.js';

const INSIDE = 'processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n';
const OUTSIDE = 'processor\t: 0\nflags\t\t: fpu vme vmx lahf_lm\n';
const facts = (more: Partial<NestedFacts>): NestedFacts => ({
  cpuinfo: INSIDE,
  vendor: '',
  product: '',
  asset: '',
  detected: '',
  ...more,
});

/** As the products fill in DMI. */
test.each<[string, Partial<NestedFacts>, string]>([
  ['VMware', { vendor: 'VMware, Inc.', product: 'VMware Virtual Platform' }, 'forged transmits'],
  ['Hyper-V', { vendor: 'Microsoft Corporation', product: 'Virtual Machine' }, '-MacAddressSpoofing On'],
  [
    'Microsoft Azure',
    {
      vendor: 'Microsoft Corporation',
      product: 'Virtual Machine',
      asset: '7783-7084-3265-9085-8269-3286-77',
    },
    'without "uplink"',
  ],
  ['VirtualBox', { vendor: 'innotek GmbH', product: 'VirtualBox' }, 'promisc'],
  ['Amazon EC2', { vendor: 'Amazon EC2', product: 't3.micro' }, 'without "uplink"'],
  ['Google Compute Engine', { vendor: 'Google', product: 'Google Compute Engine' }, 'without "uplink"'],
  ['OpenStack', { vendor: 'OpenStack Foundation', product: 'OpenStack Nova' }, 'disable-port-security'],
  ['QEMU or KVM', { vendor: 'QEMU', product: 'Standard PC (Q35 + ICH9, 2009)' }, 'macvtap'],
  ['QEMU or KVM', { detected: 'kvm' }, 'macvtap'],
  ['VMware', { cpuinfo: '', detected: 'vmware' }, 'promiscuous'],
])('%s is named, with its switch', (name, more, fix) => {
  const finding = judgeNesting(facts(more));
  expect(finding).toMatchObject({ id: 'nested', status: 'warning' });
  expect(finding.found).toContain(`on ${name}, which`);
  expect(finding.fix).toContain(fix);
});

test.each<[string, Partial<NestedFacts>, string, string]>([
  [
    'a board',
    { cpuinfo: OUTSIDE, vendor: 'Dell Inc.', product: 'OptiPlex 7050' },
    'ok',
    'Dell Inc. OptiPlex 7050',
  ],
  [
    'a Surface, by Microsoft',
    { cpuinfo: OUTSIDE, vendor: 'Microsoft Corporation', product: 'Surface Pro' },
    'ok',
    '',
  ],
  ['a machine without DMI', { cpuinfo: 'BogoMIPS\t: 50', detected: 'none' }, 'ok', 'no virtual machine'],
  ['an unknown hypervisor', { vendor: 'Acme', product: 'Cloud' }, 'warning', 'Acme Cloud'],
  ['one that tells nothing', {}, 'warning', 'of an unknown kind'],
])('%s', (_, more, status, found) => {
  const finding = judgeNesting(facts(more));
  expect(finding.status).toBe(status);
  expect(finding.found).toContain(found);
});
