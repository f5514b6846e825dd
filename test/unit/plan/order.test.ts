import { describe, expect, test } from 'vitest';
import { describePlan } from '../../../src/plan/describe.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import type { Plan } from '../../../src/plan/model.js';
import { planProvision } from '../../../src/plan/plan.js';
import { planStart } from '../../../src/plan/start.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { type FakeHost, STATE_DIR } from '../../fakes/host.js';
import { carryOut, labFrom, renderContext } from '../../fakes/labs.js';

const labOf = (vms: Record<string, object>, bridge: object = { address: '192.0.2.1/24' }) =>
  labFrom({
    version: 1,
    name: 'l',
    bridges: { br0: bridge },
    defaults: { vm: { boot: 'probe' } },
    vms: Object.fromEntries(
      Object.entries(vms).map(([name, vm], i) => [
        name,
        { nics: [{ bridge: 'br0', address: `192.0.2.${10 + i}/24` }], ...vm },
      ]),
    ),
  });

type Made = ReturnType<typeof labOf>;

function planOf(lab: Made, host: FakeHost, options = {}): Plan {
  const seen = host.observe();
  return planProvision(lab, seen, renderContext(lab, seen), options);
}

const stepsOf = (plan: Plan, phase: string) => plan.phases.find(({ name }) => name === phase)?.steps ?? [];
const titles = (plan: Plan, phase = 'start') => stepsOf(plan, phase).map(({ title }) => title);
const why = (plan: Plan, title: string) => stepsOf(plan, 'start').find(step => step.title === title)?.why;

const THREE = {
  web: { dependsOn: ['api'] },
  api: { dependsOn: ['db'], ready: 'none' },
  db: { ready: 'tcp:7' },
};

describe('a plan', () => {
  test('has guests in the order in which they start, and what each waits for', async () => {
    const plan = planOf(labOf(THREE), await hostFrom({}));
    expect(titles(plan)).toEqual(['start l-db', 'start l-api', 'start l-web']);
    expect(why(plan, 'start l-api')).toBe('it is not running; it waits until db (tcp:7) is ready');
    expect(why(plan, 'start l-web')).toBe('it is not running; it waits until api is started');
    expect(describePlan(plan)).toContain('wait until l-db is ready: tcp:7, 120 s at most');
  });

  test('has nothing to do again, and waits for what runs already where something else starts', async () => {
    const host = await hostFrom({});
    const lab = labOf({ db: {}, web: { dependsOn: ['db'] } });
    await carryOut(planOf(lab, host), host);
    expect(planOf(lab, host).phases).toEqual([]);
    const uuid = lab.vms.find(({ name }) => name === 'web')?.uuid ?? '';
    host.domains.set(uuid, {
      ...(host.domains.get(uuid) as never as object),
      state: 'shutoff',
      liveMark: null,
    } as never);
    const plan = planOf(lab, host);
    expect(titles(plan)).toEqual(['wait for l-db (up)', 'start l-web']);
    expect(stepsOf(plan, 'start')[0]?.undo).toEqual([]);
  });

  test('of a restart leaves those alone that depend on it', async () => {
    const host = await hostFrom({});
    await carryOut(planOf(labOf({ db: {}, web: { dependsOn: ['db'] } }), host), host);
    const more = labOf({ db: { memory: '256MiB' }, web: { dependsOn: ['db'] } });
    expect(titles(planOf(more, host, { restart: true }))).toEqual(['restart l-db']);
  });

  test('of a destroy stops those first that depend on others', async () => {
    const host = await hostFrom({});
    await carryOut(planOf(labOf({ db: {}, web: { dependsOn: ['db'] } }), host), host);
    const [db, web] = stepsOf(planDestroy('l', host.observe(), STATE_DIR), 'guests');
    expect([db?.after?.map(({ name }) => name), web?.after]).toEqual([['web'], undefined]);
  });
});

describe('a port that has to answer', () => {
  const ssh = { ready: 'ssh' };
  const refusal = async (vms: Record<string, object>, bridge: object, host: object = {}) => {
    const fake = await hostFrom(host);
    try {
      planOf(labOf(vms, bridge), fake);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };

  test('needs an address of the host on the bridge, in the subnet of the guest', async () => {
    expect(await refusal({ a: ssh }, {})).toBe(
      'a counts as ready once ssh answers, but this host has no address on br0 in the subnet of 192.0.2.10, so it cannot ask',
    );
    const links = { eth0: { addresses: ['198.51.100.2/24'] } };
    expect(await refusal({ a: ssh }, { uplink: 'eth0' }, { links })).toContain('has no address on br0');
    expect(await refusal({ a: { ...ssh, nics: [{ bridge: 'br0' }] } }, {})).toContain(
      'no address on br0, so',
    );
    expect(await refusal({ a: ssh }, { address: '192.0.2.1/24' })).toBeNull();
    expect(await refusal({ a: { ...ssh, nics: [{ bridge: 'br0' }] } }, { mode: 'nat' })).toBeNull();
  });

  test('may be asked by way of an address that the bridge takes over from its uplink', async () => {
    const links = { eth0: { addresses: ['192.0.2.2/24'] } };
    expect(await refusal({ a: ssh }, { uplink: 'eth0' }, { links })).toBeNull();
  });
});

describe('autostart', () => {
  const lab = (autostart?: boolean) => labOf({ a: autostart === undefined ? {} : { autostart } });

  test('is set with the definition, and not again; taken back when the lab does not say so any more', async () => {
    const host = await hostFrom({});
    const first = planOf(lab(true), host);
    expect(titles(first, 'domains')).toEqual([
      'define l-a (128 MiB, 1 vCPU, 1 NIC), and have l-a start with the host',
    ]);
    await carryOut(first, host);
    expect(planOf(lab(true), host).phases).toEqual([]);
    expect(titles(planOf(lab(), host), 'domains')).toEqual(['let l-a not start with the host']);
  });

  test('that people have set stays where the lab says nothing', async () => {
    const host = await hostFrom({});
    await carryOut(planOf(lab(), host), host);
    const [uuid, domain] = [...host.domains][0] as never as [string, object];
    host.domains.set(uuid, { ...domain, autostart: true } as never);
    expect(planOf(lab(), host).phases).toEqual([]);
    expect(titles(planOf(lab(false), host), 'domains')).toEqual(['let l-a not start with the host']);
  });
});

describe('start', () => {
  const scene = async () => {
    const host = await hostFrom({});
    const lab = labOf({ web: { dependsOn: ['api'] }, api: { dependsOn: ['db'] }, db: {} });
    await carryOut(planOf(lab, host), host);
    for (const [uuid, domain] of host.domains)
      host.domains.set(uuid, { ...domain, state: 'shutoff', liveMark: null });
    return { host, record: { ...host.observe().records[0], lab } as never };
  };

  test('takes along what the VMs depend on, and no other', async () => {
    const { host, record } = await scene();
    const plan = planStart(record, ['api'], host.observe(), STATE_DIR);
    expect(titles(plan)).toEqual(['start l-db', 'start l-api']);
    expect(plan.notes).toEqual(['started as well, since others depend on them: db']);
  });

  test('names a guest that is not defined, or whose tap is gone', async () => {
    const { host, record } = await scene();
    const seen = host.observe();
    const bare = { ...seen, links: seen.links.filter(({ kind }) => kind !== 'tun') };
    expect(() => planStart(record, ['db'], bare, STATE_DIR)).toThrow(
      /db cannot be started: its tap .* is not there/,
    );
    const libvirt = { uri: '', domains: [] };
    expect(() => planStart(record, ['db'], { ...seen, libvirt }, STATE_DIR)).toThrow(
      'db cannot be started: libvirt has no domain of it',
    );
  });
});
