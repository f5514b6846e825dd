import { expect, test } from 'vitest';
import { difference } from '../../../src/host/normalise.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import { planProvision } from '../../../src/plan/plan.js';
import { FakeHost, STATE_DIR } from '../../fakes/host.js';
import { carryOut, labFrom } from '../../fakes/labs.js';

const LAB = {
  version: 1,
  name: 'duo',
  bridges: { br0: { address: '10.9.0.254/24' } },
  namespaces: {
    a: {
      nics: [{ bridge: 'br0', address: ['10.9.0.1/24', 'fd09::1/64'] }],
      routes: [{ to: 'default', via: '10.9.0.254' }],
      sysctls: { 'net.ipv4.ip_forward': 1 },
    },
    b: { nics: [{ bridge: 'br0' }] },
  },
  links: [{ endpoints: ['a:eth1', 'b:eth1'] }, { endpoints: ['a:up0', 'host:veth0'] }],
};

const lab = labFrom(LAB);
const titles = (host: FakeHost, of = lab) =>
  planProvision(of, host.observe(), null).phases.flatMap(({ steps }) => steps.map(({ title }) => title));

async function provisioned(): Promise<FakeHost> {
  const host = new FakeHost();
  await carryOut(planProvision(lab, host.observe(), null), host);
  return host;
}

test('a second provision has nothing to do, and destroy leaves nothing', async () => {
  const host = new FakeHost();
  const before = host.observe();
  await carryOut(planProvision(lab, before, null), host);
  expect(titles(host)).toEqual([]);
  await carryOut(planDestroy('duo', host.observe(), STATE_DIR), host);
  expect(difference(before, host.observe())).toEqual([]);
});

test('the host side of all namespaces is one batch, and the inside one a namespace', async () => {
  const { steps = [] } =
    planProvision(lab, new FakeHost().observe(), null).phases.find(({ name }) => name === 'namespaces') ?? {};
  const kinds = steps.flatMap(step => step.do.map(({ kind }) => kind));
  expect(kinds).toEqual(['ip', 'ip', 'ip', 'ip', 'ip', 'ip', 'inside', 'inside']);
});

test('what differs inside is mended, and nothing else', async () => {
  const host = await provisioned();
  host.spaces.runInside('duo-a', 'route replace 0.0.0.0/0 via 10.9.0.7');
  host.spaces.runInside('duo-a', 'address del 10.9.0.1/24 dev eth0');
  host.spaces.runInside('duo-b', 'link set dev eth1 mtu 1400');
  expect(titles(host)).toEqual([
    'add address 10.9.0.1/24 to eth0 in duo-a',
    'set MTU 1500 of eth1 in duo-b',
    'set route to 0.0.0.0/0 via 10.9.0.254 in duo-a',
  ]);
});

test('a failure at any call is undone', async () => {
  const host = await provisioned();
  const smaller = labFrom({ ...LAB, namespaces: { a: LAB.namespaces.a }, links: [LAB.links[1]] });
  const before = host.observe();
  const plan = planProvision(smaller, before, null);
  const calls = host.calls.length;
  await carryOut(plan, host);
  const undo = plan.phases.toReversed().flatMap(({ steps }) => steps.toReversed().flatMap(step => step.undo));
  const { execute } = await import('../../../src/apply/execute.js');
  for (const action of undo)
    await execute(action, host.drivers, { undoing: true, signal: null, tell: () => {} });
  expect(host.calls.length).toBeGreaterThan(calls);
  expect(difference(before, host.observe())).toEqual([]);
});

test('a namespace of that name that is not ours is in the way', () => {
  const host = new FakeHost();
  host.spaces.runOnHost('netns add duo-a');
  expect(() => planProvision(lab, host.observe(), null)).toThrow(
    'the network namespace duo-a of a cannot be made: one of that name exists, and it was not made by vmnet',
  );
});

test('one in which something runs goes only when that is asked for, and the processes are named', async () => {
  const host = await provisioned();
  const seen = host.observe();
  const busy = {
    ...seen,
    namespaces: (seen.namespaces ?? []).map(it => ({ ...it, pids: it.name === 'duo-b' ? [41, 42] : [] })),
  };
  expect(() => planDestroy('duo', busy, STATE_DIR)).toThrow('duo-b is in use by processes 41, 42');
  const [step] = planDestroy('duo', busy, STATE_DIR, { force: true }).phases.flatMap(({ steps }) => steps);
  expect(step?.why).toContain('duo-b live on without a name');
});
