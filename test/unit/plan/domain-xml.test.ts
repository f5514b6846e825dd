import { expect, test } from 'vitest';
import type { Lab } from '../../../src/lab/model.js';
import { parseLab } from '../../../src/lab/parse.js';
import type { Action, Plan } from '../../../src/plan/model.js';
import { planProvision } from '../../../src/plan/plan.js';
import { shownPhases } from '../../../src/plan/shown.js';
import { FakeHost } from '../../fakes/host.js';
import { carryOut, renderContext } from '../../fakes/labs.js';

function labOf(text: string): Lab {
  const vms = { web: { boot: { domainXml: 'web.xml' }, nics: [{ bridge: 'br0' }] } };
  const file = JSON.stringify({ version: 1, name: 'own', bridges: { br0: {} }, vms });
  const { lab } = parseLab(file, '/labs/lab.json', { readFile: () => ({ text }) });
  if (lab === null) throw new Error('no lab');
  return lab;
}

const xml = (passwd: string) =>
  `<domain type='kvm'><devices><graphics type='vnc' passwd='${passwd}'/></devices></domain>`;

const actionsOf = (phases: Plan['phases']): Action[] =>
  phases.flatMap(({ steps }) => steps).flatMap(step => [...step.do, ...step.undo]);
const defines = (phases: Plan['phases']) =>
  actionsOf(phases).flatMap(action => (action.kind === 'define' ? action : []));

test('a domain XML is defined once, and again when its file has changed, without telling what is in it', async () => {
  const host = new FakeHost();
  const planOf = (lab: Lab) =>
    planProvision(lab, host.observe(), renderContext(lab, host.observe()), { restart: false });
  const first = planOf(labOf(xml('first')));
  const [define] = defines(first.phases);
  expect(define).toMatchObject({ name: 'own-web', from: '"/labs/web.xml"' });
  expect(define?.xml).toContain("passwd='first'");
  expect(actionsOf(first.phases).filter(({ kind }) => kind === 'await')).toEqual([]);
  await carryOut(first, host);
  expect(planOf(labOf(xml('first'))).phases).toEqual([]);

  const second = planOf(labOf(xml('second')));
  expect(defines(second.phases).map(action => /passwd='(\w+)'/.exec(action.xml)?.[1])).toEqual([
    'second',
    'first',
  ]);
  expect(JSON.stringify(shownPhases(second.phases))).not.toContain('passwd');
  expect(JSON.stringify(second.record)).not.toContain('passwd');
});
