import { expect, test } from 'vitest';
import type { DomainState } from '../../../src/host/model.js';
import { findClashes } from '../../../src/plan/clashes/clashes.js';
import type { PlanProblem } from '../../../src/plan/problems.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { labFrom } from '../../fakes/labs.js';

const FILE = {
  version: 1,
  name: 'homelab',
  bridges: { br0: {} },
  vms: { web: { boot: 'probe', nics: [{ bridge: 'br0', tap: 'webtap0' }] } },
};

const CLONE: DomainState = {
  name: 'clone',
  uuid: '11111111-1111-4111-8111-111111111111',
  state: 'running',
  mark: null,
  liveMark: null,
  xml: null,
  nics: [{ mac: '52:54:00:00:00:01', target: 'webtap0' }],
};

/** A lab that is up, and what another domain with its tap means for it. */
async function clashes(guest: string): Promise<string[]> {
  const host = await hostFrom({ applied: [FILE], states: { 'homelab-web': guest } });
  host.domains.set(CLONE.uuid, CLONE);
  const problems: PlanProblem[] = [];
  findClashes(labFrom(FILE), host.observe(), false, problems);
  return problems.map(({ message }) => message);
}

test('a tap of ours that another guest took is refused to ours', async () => {
  expect(await clashes('shutoff')).toEqual([
    'the tap webtap0 of web is also named by the domain clone, which is running',
  ]);
});

test('a guest that runs has its tap, whoever else names it', async () => {
  expect(await clashes('running')).toEqual([]);
});
