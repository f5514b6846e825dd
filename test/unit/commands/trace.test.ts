import { describe, expect, test } from 'vitest';
import { findVm } from '../../../src/commands/find-vm.js';
import type { LabRecord } from '../../../src/host/model.js';
import { labFrom } from '../../fakes/labs.js';

const record = (name: string, ...vms: readonly string[]) =>
  ({
    name,
    lab: labFrom({
      version: 1,
      name,
      bridges: { br0: {} },
      vms: Object.fromEntries(vms.map(vm => [vm, { boot: 'probe', nics: [{ bridge: 'br0' }] }])),
    }),
  }) as LabRecord;

const RECORDS = [record('one', 'web', 'db'), record('two', 'web')];
const found = (name: string) => {
  const { record: where, vm } = findVm(name, RECORDS);
  return `${where.name}/${vm.name}`;
};

describe('a VM is found', () => {
  test('by its name, where it is the only one', () => {
    expect(found('db')).toBe('one/db');
  });

  test('by its lab and name', () => {
    expect(found('two/web')).toBe('two/web');
  });

  test('not by a name that two labs have', () => {
    expect(() => found('web')).toThrow(
      expect.objectContaining({ code: 'usage', hint: 'Say which: one/web, two/web.' }),
    );
  });

  test('not where there is none of that name', () => {
    expect(() => found('wbe')).toThrow(
      expect.objectContaining({ code: 'usage', hint: 'There are: one/web, one/db, two/web.' }),
    );
    expect(() => findVm('web', [])).toThrow(/no VM "web"/);
  });
});
