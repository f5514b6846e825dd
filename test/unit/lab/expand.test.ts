import { describe, expect, test } from 'vitest';
import { expand } from '../../../src/lab/expand.js';
import { labJsonSchema } from '../../../src/lab/file.js';
import { parseLab } from '../../../src/lab/parse.js';
import { problemLine } from '../../../src/lab/problem.js';
import type { LooseLab } from '../../../src/lab/shape.js';
import { labFrom } from '../../fakes/labs.js';

type Vms = NonNullable<LooseLab['vms']>;

const lab = (vms: object, more: object = {}) => ({
  version: 1,
  name: 'farm',
  bridges: { br0: {} },
  defaults: { vm: { boot: 'probe', vcpus: 3 }, nic: { mtu: 1300 } },
  ...more,
  vms: vms as Vms,
});

const nics = [{ bridge: 'br0' }];
const problems = (file: object) =>
  parseLab(JSON.stringify(file, null, 1), '/labs/lab.json').problems.map(problemLine);

describe('a group', () => {
  const groups = { g: { vcpus: 2, nic: { mtu: 1400 } } };
  const values = (vm: object) => {
    const [{ vcpus, nics } = { vcpus: 0, nics: [] }] = labFrom(lab({ a: vm }, { groups })).vms;
    return [vcpus, nics[0]?.mtu];
  };

  test('comes after the VM and before the defaults', () => {
    expect(values({ nics })).toEqual([3, 1300]);
    expect(values({ group: 'g', nics })).toEqual([2, 1400]);
    expect(values({ group: 'g', vcpus: 1, nics: [{ bridge: 'br0', mtu: 1500 }] })).toEqual([1, 1500]);
  });

  test('gives a value whole', () => {
    const boot = { kernel: 'k', initrd: 'i', cmdline: 'c' };
    const [vm] = labFrom(
      lab({ a: { group: 'g', boot: { kernel: 'k2' }, nics } }, { groups: { g: { boot } } }),
    ).vms;
    expect(vm?.boot).toEqual({ kind: 'kernel', kernel: '/labs/k2', initrd: null, cmdline: '' });
  });
});

describe('a count', () => {
  test('gives the same VMs as if they were written out', () => {
    const counted = lab({
      'w{index}': { count: 12, nics: [{ bridge: 'br0', address: 'fd00::{index}/64' }] },
    });
    const written = Array.from({ length: 12 }, (_, n) => [
      `w${n + 1}`,
      { nics: [{ bridge: 'br0', address: `fd00::${n + 1}/64` }] },
    ]);
    expect(labFrom(counted)).toEqual(labFrom(lab(Object.fromEntries(written))));
  });

  test('that grows leaves the VMs that were there as they were', () => {
    const vms = (count: number) => labFrom(lab({ 'w{index}': { count, nics } })).vms;
    expect(vms(9).slice(0, 3)).toEqual(vms(3));
  });

  test('can fill a bridge', () => {
    expect(labFrom(lab({ 'w{index}': { count: 1023, nics } })).vms).toHaveLength(1023);
  });
});

describe('hostile counts make little of a file', () => {
  const many = (length: number, entry: (n: number) => [string, unknown]) =>
    Object.fromEntries(Array.from({ length }, (_, n) => entry(n)));
  const long = 'x'.repeat(300_000);

  test.each<[string, ReturnType<typeof lab>]>([
    ['many counts', lab(many(12_000, n => [`v${n}-{index}`, { count: 1023, nics }]))],
    ['a count of many NICs', lab({ 'v{index}': { count: 1023, nics: Array(30_000).fill(nics[0]) } })],
    [
      'a count of long texts',
      lab({
        'v{index}': {
          count: 1023,
          nics: [{ bridge: 'br0', tap: `{index}${long}`, address: `${long}{index}` }],
        },
      }),
    ],
    [
      'a group with a long text',
      lab(
        { 'v{index}': { count: 1023, group: 'g', nics } },
        { groups: { g: { boot: { kernel: long, cmdline: long } } } },
      ),
    ],
    ['a name of nothing else', lab({ ['{index}'.repeat(18)]: { count: 1023, nics } })],
    [
      'a count of clashes',
      lab({ 'v{index}': { count: 1023, nics: [{ bridge: 'no', tap: 'lo', address: '1/1' }] } }),
    ],
    [
      'many unknown groups among many',
      lab(
        many(12_000, n => [`v${n}`, { group: 'x' }]),
        { groups: many(30_000, n => [`g${n}`, {}]) },
      ),
    ],
  ])('%s', (_, file) => {
    expect(problems(file).length).toBeGreaterThan(0);
    expect(weight(expand(JSON.parse(JSON.stringify(file)), () => {}).lab)).toBeLessThan(weight(file) + 8193);
  });
});

/** VMs and NICs. */
const weight = ({ vms = {} }: { vms?: Vms | undefined }) =>
  Object.values(vms).reduce((sum, vm) => sum + 1 + (vm?.nics?.length ?? 0), 0);

/** What an editor makes of the schema. */
test('the JSON Schema takes an index where the loader does', () => {
  const text = JSON.stringify(labJsonSchema());
  const patterns = Array.from(text.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g), ([, found = '""']) =>
    String(JSON.parse(found)),
  );
  const takes = (word: string) => patterns.filter(pattern => new RegExp(pattern).test(word)).length;
  expect(takes('worker-{index}')).toBeGreaterThan(0);
  expect(takes('10.0.0.5{index}/24')).toBeGreaterThan(0);
  expect(takes('fd00::{index}/64')).toBeGreaterThan(0);
  expect(takes('worker-{Index}')).toBe(0);
});
