import { expect, test } from 'vitest';
import { planProvision } from '../../../src/plan/plan.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { carryOut, labFrom, renderContext } from '../../fakes/labs.js';

const farm = (count: number) =>
  labFrom({
    version: 1,
    name: 'farm',
    bridges: { br0: {} },
    groups: { workers: { boot: 'probe' } },
    vms: { 'w{index}': { group: 'workers', count, nics: [{ bridge: 'br0', tap: 't{index}' }] } },
  });

test('a count that changes touches only the VMs that come or go', async () => {
  const host = await hostFrom({});
  const plan = (count: number) =>
    planProvision(farm(count), host.observe(), renderContext(farm(count), host.observe()), { yes: true });
  const titles = (count: number) =>
    plan(count).phases.flatMap(({ steps }) => steps.map(({ title }) => title));
  await carryOut(plan(2), host);
  expect(titles(2)).toEqual([]);
  expect(titles(3)).toEqual([
    'create tap t3 on br0 for w3, NIC 0',
    'define farm-w3 (128 MiB, 1 vCPU, 1 NIC)',
    'start farm-w3',
  ]);
  expect(titles(1)).toEqual(['remove farm-w2', 'delete tap t2']);
});
