import { describe, expect, test } from 'vitest';
import { judgeRights, judgeTun } from '../../../src/doctor/rights.js';
import { capabilitiesIn, deviceNumber } from '../../../src/drivers/inspect.js';

const WHOLE = '         0          0 4294967295\n';
const ROOTLESS = '         0       1000          1\n         1     100000      65536\n';
const all = capabilitiesIn('CapEff:\t000001ffffffffff\n');
/** What Docker gives by default. */
const docker = capabilitiesIn('CapEff:\t00000000a80425fb\n');

describe('rights', () => {
  test.each([
    ['root of the host', { uid: 0, capabilities: all, uidMap: WHOLE }, 'ok', null],
    ['a user with the capabilities', { uid: 1000, capabilities: all, uidMap: WHOLE }, 'ok', null],
    [
      'an ordinary user',
      { uid: 1000, capabilities: new Set<number>(), uidMap: WHOLE },
      'warning',
      'sudo vmnet doctor',
    ],
    ['root of a rootless container', { uid: 0, capabilities: all, uidMap: ROOTLESS }, 'warning', 'rootless'],
    [
      'root of a container',
      { uid: 0, capabilities: docker, uidMap: WHOLE },
      'fault',
      '--cap-add NET_ADMIN --cap-add SYS_ADMIN',
    ],
  ])('%s', (_, rights, status, fix) => {
    const finding = judgeRights(rights);
    expect(finding).toMatchObject({ id: 'rights', status });
    if (fix === null) expect(finding.fix).toBeNull();
    else expect(finding.fix).toContain(fix);
  });

  test('a container that lacks some is told which', () => {
    expect(judgeRights({ uid: 0, capabilities: docker, uidMap: WHOLE }).found).toContain(
      'without CAP_NET_ADMIN, CAP_SYS_ADMIN:',
    );
  });
});

describe('/dev/net/tun', () => {
  test.each([
    [null, [10, 200], 'ok', 'opens'],
    ['ENOENT', null, 'fault', 'not there'],
    ['EPERM', [10, 200], 'fault', 'container'],
    ['ENODEV', [10, 200], 'fault', 'ENODEV'],
    [null, [1, 3], 'fault', 'another device (1:3'],
    [null, null, 'fault', 'no device'],
    ['EACCES', [10, 200], 'warning', 'not looked at'],
  ])('%s %j is %s', (error, number, status, found) => {
    const finding = judgeTun({ error, number });
    expect(finding.status).toBe(status);
    expect(finding.found).toContain(found);
    expect(finding.fix === null).toBe(status === 'ok');
  });

  test('device numbers are taken apart as Linux puts them together', () => {
    expect([0x0ac8, 0x0103, 0x1fd00301].map(deviceNumber)).toEqual([
      [10, 200],
      [1, 3],
      [3, 0x1fd01],
    ]);
  });
});
