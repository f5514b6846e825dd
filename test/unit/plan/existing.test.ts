import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ExistingDomain, HostState, LabRecord } from '../../../src/host/model.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import type { Plan } from '../../../src/plan/model.js';
import { planProvision } from '../../../src/plan/plan.js';
import { renderExistingNic } from '../../../src/render/existing.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { STATE_DIR } from '../../fakes/host.js';
import { labFrom, renderContext } from '../../fakes/labs.js';
import { planText } from '../../fakes/plan-text.js';

const XML = readFileSync(new URL('../../fixtures/existing/before.xml', import.meta.url), 'utf8');
const UUID = 'a4b32471-012b-471b-875f-6cdd6c1d7e9c';

const FILE = {
  version: 1,
  name: 'home',
  bridges: { br0: {} },
  vms: { it: { domain: 'db', nics: [{ bridge: 'br0' }] } },
};
const LAB = labFrom(FILE);
const MAC = LAB.vms[0]?.nics[0]?.mac;

interface Given {
  /** null where there is none. */
  readonly definition?: string | null;
  readonly live?: string | null;
  readonly name?: string;
  readonly records?: readonly LabRecord[];
  readonly mark?: { lab: string; vm: string; digest: string };
}

async function hostWith({ definition = XML, live = null, name = 'db', records = [], mark }: Given = {}) {
  const state = live === null ? 'shutoff' : 'running';
  const fake = await hostFrom({ domains: [{ name, uuid: UUID, state, ...(mark ? { mark } : {}) }] });
  const seen = fake.observe();
  const existing: ExistingDomain = { asked: 'db', name, uuid: UUID, xml: definition, liveXml: live };
  return {
    ...seen,
    records,
    libvirt: { uri: '', domains: seen.libvirt?.domains ?? [], existing: [existing] },
  };
}

const planned = (host: HostState, lab = LAB) => planProvision(lab, host, renderContext(lab, host));

/** The steps that have to do with the domain. */
const steps = (plan: Plan) =>
  planText(plan)
    .steps.filter(({ step }) => /\bdb\b/.test(step))
    .map(({ step, do: act, undo }) => ({ step, do: act, undo }));

/** A definition with the lab's NIC in it, as libvirt would write it. */
async function given(xml: string): Promise<string> {
  const host = await hostWith();
  const nic = LAB.vms[0]?.nics[0];
  if (!nic) throw new Error('the lab has no NIC');
  const card = renderExistingNic(LAB, nic, renderContext(LAB, host)).xml;
  return xml.replace('    <serial', `${card.replaceAll('"', "'").replace(/^(?=.)/gm, '    ')}    <serial`);
}

const recordOf = (plan: Plan): LabRecord => {
  if (!plan.record) throw new Error('the plan has no record');
  return plan.record;
};

describe('a domain that is not ours', () => {
  test('gets a NIC in its definition where it does not run', async () => {
    const plan = planned(await hostWith());
    expect(steps(plan)).toEqual([
      {
        step: 'domains: give db a NIC on br0 (it, NIC 0, in its definition)',
        do: [`plug ${MAC} of db, definition`],
        undo: ['restore db, the last'],
      },
    ]);
    expect(plan.notes.join()).toContain('virsh start db');
    expect(recordOf(plan).existing).toEqual({ [UUID]: { name: 'db', vms: ['it'], first: XML, last: XML } });
  });

  test('gets it in both where it runs', async () => {
    expect(steps(planned(await hostWith({ live: XML })))).toEqual([
      {
        step: 'domains: give db a NIC on br0 (it, NIC 0)',
        do: [`plug ${MAC} of db, live and definition`],
        undo: [`unplug ${MAC} of db, live`, 'restore db, the last'],
      },
    ]);
  });

  test('gets it only while it runs where it has no definition', async () => {
    const plan = planned(await hostWith({ definition: null, live: XML }));
    expect(steps(plan).map(it => it.do)).toEqual([[`plug ${MAC} of db, live`]]);
    expect(plan.notes.join()).toContain('the domain db is transient');
  });

  test('gets what it lacks: in its definition, where a start has lost it', async () => {
    const host = await hostWith({ live: await given(XML) });
    expect(steps(planned(host)).map(it => it.do)).toEqual([[`plug ${MAC} of db, definition`]]);
  });

  test('needs no step a second time, and what it was stays known', async () => {
    const { record } = planned(await hostWith());
    const has = await given(XML);
    const plan = planned(await hostWith({ definition: has, live: has, records: record ? [record] : [] }));
    expect(steps(plan)).toEqual([]);
    expect(recordOf(plan).existing).toEqual(record?.existing);
  });

  test('has a NIC exchanged that is to be another', async () => {
    const record = recordOf(planned(await hostWith()));
    const has = await given(XML);
    const host = await hostWith({ definition: has, live: has, records: [record] });
    const other = labFrom({ ...FILE, vms: { it: { domain: 'db', nics: [{ bridge: 'br0', queues: 2 }] } } });
    const plan = planned(host, other);
    expect(steps(plan).map(({ step }) => step)).toEqual([
      `remove: take the NIC ${MAC} out of db`,
      'domains: give db a NIC on br0 (it, NIC 0)',
    ]);
    expect(recordOf(plan).existing?.[UUID]).toEqual({ name: 'db', vms: ['it'], first: XML, last: has });
  });

  test('loses all where the lab no longer names it, and stays known until then', async () => {
    const record = recordOf(planned(await hostWith()));
    const has = await given(XML);
    const host = await hostWith({ definition: has, live: has, records: [record] });
    const plan = planned(
      host,
      labFrom({ ...FILE, vms: { web: { boot: 'probe', nics: [{ bridge: 'br0' }] } } }),
    );
    expect(steps(plan)).toEqual([
      {
        step: `remove: take the NIC ${MAC} out of db`,
        do: [`unplug ${MAC} of db, live and definition`],
        undo: [`plug ${MAC} of db, live`, 'restore db, the last'],
      },
      {
        step: 'remove: have the definition of db as it was',
        do: ['restore db, the first'],
        undo: ['restore db, the last'],
      },
    ]);
    expect(recordOf(plan).existing?.[UUID]).toMatchObject({ vms: ['it'], first: XML });
  });
});

describe('destroy', () => {
  const destroyed = async (more: Given) => {
    const record = recordOf(planned(await hostWith()));
    return planDestroy('home', await hostWith({ records: [record], ...more }), STATE_DIR);
  };

  test('takes the NIC out of the guest, and has the definition as it was', async () => {
    const has = await given(XML);
    const plan = await destroyed({ definition: has, live: has });
    expect(steps(plan).map(it => it.do)).toEqual([[`unplug ${MAC} of db, live`], ['restore db, the first']]);
    expect(plan.notes).toEqual([]);
  });

  test('says so where somebody else changed it', async () => {
    const has = await given(XML.replaceAll('131072', '262144'));
    expect((await destroyed({ definition: has })).notes.join()).toContain(
      'was changed since by somebody else',
    );
  });

  test('has nothing to do where its owner took the NIC out, and nothing where it is gone', async () => {
    expect(steps(await destroyed({}))).toEqual([]);
    const record = recordOf(planned(await hostWith()));
    const seen = await hostWith({ records: [record] });
    const gone = { ...seen, libvirt: { ...seen.libvirt, domains: [], existing: [] } };
    const plan = planDestroy('home', gone, STATE_DIR);
    expect([steps(plan), plan.notes]).toEqual([
      [],
      ['the domain db is not there any more, so nothing was taken out of it'],
    ]);
  });
});

describe('what cannot be', () => {
  const refusal = async (host: HostState, lab = LAB) => {
    try {
      planned(host, lab);
    } catch (error) {
      return `${(error as Error).message} | ${(error as { hint?: string }).hint}`;
    }
    return 'no refusal';
  };

  test('a domain that is not there, with the name that was meant', async () => {
    const lab = labFrom({ ...FILE, vms: { it: { domain: 'dc', nics: [{ bridge: 'br0' }] } } });
    expect(await refusal(await hostWith(), lab)).toBe(
      'vms.it.domain: libvirt has no domain "dc" | did you mean "db"?',
    );
  });

  test('one that vmnet made', async () => {
    const mark = { lab: 'other', vm: 'db', digest: '0' };
    expect(await refusal(await hostWith({ mark }))).toMatch(/made by vmnet, for db of the lab other/);
  });

  test('one that another lab gives NICs to', async () => {
    const record = { ...recordOf(planned(await hostWith())), name: 'other' };
    expect(await refusal(await hostWith({ records: [record] }))).toMatch(/has NICs of the lab other/);
  });

  test.each([
    ['MAC', { bridge: 'br0', mac: '52:54:00:aa:bb:01' }],
    ['tap', { bridge: 'br0', tap: 'dbt0' }],
  ])('a %s that it has already', async (_, nic) => {
    const lab = labFrom({ ...FILE, vms: { it: { domain: 'db', nics: [nic] } } });
    const theirs = readFileSync(new URL('../../fixtures/existing/given.xml', import.meta.url), 'utf8');
    expect(await refusal(await hostWith({ definition: theirs }), lab)).toMatch(
      /which the domain db has already/,
    );
  });
});
