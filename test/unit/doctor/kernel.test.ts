import { expect, test } from 'vitest';
import type { Ability } from '../../../src/doctor/attempts.js';
import { failedLines, judgeKernel } from '../../../src/doctor/kernel.js';

test('lines that failed in a batch', () => {
  const stderr =
    'Error: Unknown device type.\nCommand failed -:6\nRTNETLINK answers: Operation not supported\nCommand failed -:11\n';
  expect(failedLines(stderr)).toEqual([6, 11]);
  expect(failedLines('')).toEqual([]);
});

const judged = (abilities: Record<string, Ability>) => {
  const uses = { bridge: 'links', macvtap: 'optional', '802.1Q': 'vlan', 'egress hooks': 'proof' } as const;
  const all = Object.entries(uses).map(([name, use]) => ({ name, use, ability: abilities[name] ?? 'yes' }));
  return judgeKernel(all, '6.1.0');
};

test.each<[string, Record<string, Ability>, string[]]>([
  ['everything', {}, ['ok', 'ok', 'ok']],
  ['modules', { bridge: 'module', '802.1Q': 'module', 'egress hooks': 'module' }, ['ok', 'ok', 'ok']],
  ['no bridges', { bridge: 'no' }, ['fault', 'ok', 'ok']],
  ['no macvtap', { macvtap: 'no' }, ['ok', 'ok', 'ok']],
  ['no VLANs', { '802.1Q': 'no' }, ['ok', 'warning', 'ok']],
  ['no egress hooks', { 'egress hooks': 'no' }, ['ok', 'ok', 'fault']],
])('a kernel with %s', (_, abilities, statuses) =>
  expect(judged(abilities).map(({ status }) => status)).toEqual(statuses),
);

test('what is a module was not tried, and that is said', () => {
  expect(judged({ '802.1Q': 'module' })[1]?.found).toBe('802.1Q (as a module)');
  expect(judged({ macvtap: 'no' })[0]?.found).toBe('the kernel has bridge; not macvtap, which no lab needs');
});
