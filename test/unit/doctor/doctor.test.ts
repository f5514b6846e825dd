import { describe, expect, test } from 'vitest';
import { diagnosis, findingsText, wrap } from '../../../src/doctor/describe.js';
import { examineWith, type Probe } from '../../../src/doctor/doctor.js';
import type { Ground } from '../../../src/doctor/ground.js';
import { judgePlan } from '../../../src/doctor/lab.js';
import { about, type Finding } from '../../../src/doctor/model.js';
import { VmnetError } from '../../../src/errors.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { labFrom, renderContext } from '../../fakes/labs.js';

const it = about('x', 'thing', 'It matters.');
const probe = (id: string, look: Probe['look']): Probe => ({ id, subject: id, look });

describe('the probes', () => {
  test('are told in their own order, and a failure of one stops none', async () => {
    const probes = [
      probe('a', async () => [it.ok('well')]),
      probe('b', async () => {
        throw new VmnetError('missing-tool', 'the program nft is not installed', 'apt-get install nftables');
      }),
      probe('c', async () => {
        throw new TypeError('x is not a function');
      }),
      probe('d', async () => [it.fault('bad', 'mend it')]),
    ];
    const findings = await examineWith(probes, { root: true } as Ground);
    expect(findings.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'x ok',
      'b warning',
      'c warning',
      'x fault',
    ]);
    expect(findings[1]).toMatchObject({
      found: 'not looked at: the program nft is not installed',
      fix: 'apt-get install nftables',
    });
    expect(findings[2]?.found).toContain('a bug of vmnet: TypeError');
    expect(diagnosis(findings)).toBe('1 ok, 2 warnings, 1 fault; 2 could not be looked at');
  });

  test('are a few at a time', async () => {
    let now = 0;
    let most = 0;
    const probes = Array.from({ length: 40 }, (_, i) =>
      probe(String(i), async () => {
        most = Math.max(most, ++now);
        await new Promise(setImmediate);
        now--;
        return [];
      }),
    );
    await examineWith(probes, {} as Ground);
    expect(most).toBe(6);
  });
});

describe('the lab, planned and not applied', () => {
  const file = {
    version: 1,
    name: 'l',
    bridges: { br0: { uplink: 'eth0' }, br1: { uplink: 'eth9' } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0', address: '192.0.2.2/24' }] } },
  };

  test('each problem is a fault with its fix, and those of uplinks are told by the uplink', async () => {
    const host = (
      await hostFrom({
        links: { eth0: { addresses: ['192.0.2.2/24'] }, br0: { kind: 'bridge' } },
        domains: [{ name: 'l-a', uuid: 'u1' }],
      })
    ).observe();
    const lab = labFrom(file);
    const findings = judgePlan(lab, host, renderContext(lab, host));
    expect(findings.map(({ id, status }) => [id, status])).toEqual(findings.map(() => ['lab', 'fault']));
    const text = findings.map(({ found }) => found).join('\n');
    for (const word of ['the domain l-a', 'br0', "the host's own address"]) expect(text).toContain(word);
    expect(text).not.toContain('eth9');
    expect(findings.every(({ fix }) => fix !== null)).toBe(true);
  });

  test('without problems: how many steps, and its notes as warnings', async () => {
    const one = { ...file, bridges: { br0: {} }, vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } } };
    const lab = labFrom(one);
    const fresh = (await hostFrom({})).observe();
    expect(judgePlan(lab, fresh, renderContext(lab, fresh))).toMatchObject([
      { status: 'ok', found: expect.stringMatching(/^can be provisioned, in \d+ steps$/) },
    ]);
    const up = (await hostFrom({ applied: [one] })).observe();
    const outdated = labFrom({ ...one, vms: { a: { ...one.vms.a, memory: 777 } } });
    expect(judgePlan(lab, up, renderContext(lab, up))).toMatchObject([{ found: 'is up as the file says' }]);
    expect(judgePlan(outdated, up, renderContext(outdated, up)).map(({ status }) => status)).toEqual([
      'ok',
      'warning',
    ]);
  });
});

describe('what people read', () => {
  const findings: Finding[] = [
    about('tool-ip', 'ip', 'w').ok('6.1.0'),
    about('tool-nft', 'nft', 'w').ok('1.0.6'),
    it.ok('well '.repeat(30).trim()),
    it.fault('bad', 'mend --it\nor leave it'),
    about('x', 'a subject that is long', 'It matters.').warning('so so', null),
  ];

  test('fits 80 columns; reason and fix only where something is wrong; tools that are there share a line', () => {
    expect(findingsText(findings)).toBe(
      [
        'ok       tools               ip 6.1.0, nft 1.0.6',
        'ok       thing               well well well well well well well well well well',
        '                             well well well well well well well well well well',
        '                             well well well well well well well well well well',
        'fault    thing               bad',
        '         why  It matters.',
        '         fix  mend --it',
        '              or leave it',
        'warning  a subject that is long',
        '                             so so',
        '         why  It matters.',
      ].join('\n'),
    );
  });

  test('holds nothing that a terminal would act upon', () => {
    const text = findingsText([about('x', 'e\x1b[31m', 'w\x07').fault('f\u202e', 'c\r')]);
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/);
  });

  test('a word that is too long stays whole', () => {
    expect(wrap('a bbbbbbbbbb c', 5)).toEqual(['a', 'bbbbbbbbbb', 'c']);
  });
});
