import { describe, expect, test } from 'vitest';
import { enableKvm, judgeKvm, judgeVhost, type KvmFacts } from '../../../src/doctor/kvm.js';

const facts = (more: Partial<KvmFacts>): KvmFacts => ({
  proof: { state: 'works', why: 'the probe guest booted with it', cached: true },
  wanted: 'auto',
  cpuinfo: '',
  seenBy: null,
  ...more,
});
const broken = { state: 'broken', why: 'the probe guest did not boot', cached: false } as const;
const absent = { state: 'absent', why: 'there is no /dev/kvm', cached: false } as const;

describe('KVM', () => {
  test('that works is well, and it is told when it was tried', () => {
    expect(judgeKvm(facts({}))).toMatchObject([
      { status: 'ok', found: expect.stringContaining('tried earlier in this boot') },
    ]);
    const now = { state: 'works', why: 'it booted', cached: false } as const;
    expect(judgeKvm(facts({ proof: now }))[0]?.found).toContain('tried just now');
  });

  test.each([
    ['auto', 'warning'],
    ['kvm', 'fault'],
    ['tcg', 'ok'],
  ] as const)('that is absent or broken where the lab wants %s is %s', (wanted, status) => {
    for (const proof of [absent, broken])
      expect(judgeKvm(facts({ proof, wanted })).map(finding => finding.status)).toEqual([status]);
  });

  test('that is broken and seen by libvirt costs a minute at every start', () => {
    const [, second] = judgeKvm(facts({ proof: broken, seenBy: 812 }));
    expect(second).toMatchObject({ id: 'kvm-libvirt', status: 'warning' });
    expect(second?.found).toContain('812');
    expect(second?.why).toContain('minute');
  });

  test('that this user may not open was not looked at', () => {
    expect(judgeKvm(facts({ proof: null }))).toMatchObject([
      { status: 'warning', found: expect.stringMatching(/^not looked at/) },
    ]);
  });

  test.each([
    ['flags\t\t: fpu vmx sse', 'modprobe kvm_intel'],
    ['flags\t\t: fpu svm hypervisor', 'modprobe kvm_amd'],
    ['flags\t\t: fpu hypervisor', 'nested virtualization'],
    ['flags\t\t: fpu', 'firmware'],
    ['', 'firmware'],
  ])('%j lacks: %s', (cpuinfo, fix) => expect(enableKvm(cpuinfo)).toContain(fix));
});

test('vhost-net is a matter of speed', () => {
  expect([true, false].map(present => judgeVhost(present).status)).toEqual(['ok', 'warning']);
});
