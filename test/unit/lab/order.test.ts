import { describe, expect, test } from 'vitest';
import {
  dependentsOf,
  inStartOrder,
  portOf,
  readyOf,
  readySeconds,
  withDependencies,
} from '../../../src/lab/order.js';
import { parseLab } from '../../../src/lab/parse.js';
import { labFrom } from '../../fakes/labs.js';

const nics = [{ bridge: 'br0' }];
const labOf = (vms: Record<string, object>) =>
  labFrom({
    version: 1,
    name: 'l',
    bridges: { br0: {} },
    vms: Object.fromEntries(Object.entries(vms).map(([name, vm]) => [name, { boot: 'probe', nics, ...vm }])),
  });

const names = (vms: readonly { name: string }[]) => vms.map(({ name }) => name);

describe('the order of VMs', () => {
  const lab = labOf({
    web: { dependsOn: ['api'] },
    api: { dependsOn: ['db', 'cache'] },
    other: {},
    db: {},
    cache: { dependsOn: ['db'] },
  });

  test('is that of the file, but for dependencies, which come first', () => {
    expect(names(inStartOrder(lab.vms))).toEqual(['db', 'cache', 'api', 'web', 'other']);
  });

  test('takes all that a VM depends on, and knows who depends on it', () => {
    expect([...withDependencies(lab.vms, ['api'])].sort()).toEqual(['api', 'cache', 'db']);
    expect(dependentsOf(lab.vms).get('db')).toEqual(['api', 'cache']);
  });

  test('of a chain of a thousand, written backwards, is found', () => {
    const vms = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`v${i}`, i < 999 ? { dependsOn: [`v${i + 1}`] } : {}]),
    );
    expect(names(inStartOrder(labOf(vms).vms)).slice(0, 2)).toEqual(['v999', 'v998']);
  });
});

test('a ring of thousands is told in a moment, and not at length', () => {
  const count = 8000;
  const vms = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `v${i}`,
      { boot: 'probe', nics, dependsOn: [`v${(i + 1) % count}`, 'v0'].slice(0, i === 0 ? 1 : 2) },
    ]),
  );
  const text = JSON.stringify({ version: 1, name: 'l', bridges: { br0: {} }, vms });
  const told = parseLab(text, '/labs/lab.json').problems.filter(({ message }) => message.includes('→'));
  expect(told.length).toBeGreaterThan(0);
  expect(told[0]?.message.length).toBeLessThan(200);
});

test('counted VMs cannot be made to depend on each other without end', () => {
  const file = {
    version: 1,
    name: 'l',
    bridges: { br0: {} },
    vms: {
      'w-{index}': { boot: 'probe', count: 1000, nics },
      ...Object.fromEntries(
        Array.from({ length: 70 }, (_, i) => [`v${i}`, { boot: 'probe', nics, dependsOn: ['w-{index}'] }]),
      ),
    },
  };
  const { problems } = parseLab(JSON.stringify(file), '/labs/lab.json');
  expect(problems.map(({ message }) => message)).toContain(
    'the names of VMs with a count stand for more than 65536 dependencies',
  );
});

test('what is waited for, and how long, by default', () => {
  const { vms } = labOf({ a: {}, b: { boot: { kernel: 'k' } }, c: { ready: 'tcp:80', readyTimeout: '2m' } });
  expect(vms.map(readyOf)).toEqual(['up', 'none', 'tcp:80']);
  expect(vms.map(readySeconds)).toEqual([120, 300, 120]);
  expect(['ssh', 'tcp:80', 'up'].map(ready => portOf(ready as 'ssh'))).toEqual([22, 80, null]);
});
