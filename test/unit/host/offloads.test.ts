import { expect, test } from 'vitest';
import { mergesReceived } from '../../../src/host/offloads.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import { planProvision } from '../../../src/plan/plan.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { STATE_DIR } from '../../fakes/host.js';
import { labFrom } from '../../fakes/labs.js';

const printed = (active: boolean) =>
  JSON.stringify([{ ifname: 'eth0', 'large-receive-offload': { active, fixed: false, requested: active } }]);

test('LRO is read from ethtool, where it speaks JSON', () => {
  expect([printed(true), printed(false), '[ ]', 'Features for eth0:\n', ''].map(mergesReceived)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

// This kernel has no NIC with LRO: what is shown is that the plan says it.
test('LRO that was on is turned on again, by an undo and by destroy', async () => {
  const lab = labFrom({ version: 1, name: 'lro', bridges: { br0: { uplink: 'eth0' } }, vms: {} });
  const host = await hostFrom({ links: { eth0: { addresses: ['192.0.2.10/24'] } } });
  const before = { ...host.observe(), lro: ['eth0'] };
  const plan = planProvision(lab, before, null);
  const again = { kind: 'lro', dev: 'eth0' };
  expect(plan.phases.flatMap(phase => phase.steps.flatMap(step => step.undo))).toContainEqual(again);
  const there = await hostFrom({
    links: { eth0: { addresses: ['192.0.2.10/24'] } },
    applied: [{ version: 1, name: 'lro', bridges: { br0: { uplink: 'eth0' } }, vms: {} }],
  });
  const after = { ...there.observe(), records: plan.record ? [plan.record] : [] };
  const back = planDestroy('lro', after, STATE_DIR).phases.flatMap(phase => phase.steps);
  expect(back.flatMap(step => step.do)).toContainEqual(again);
  expect(back.flatMap(step => step.undo)).not.toContainEqual(again);
});
