import { expect, test } from 'vitest';
import { patienceIn, stageOf } from '../../../src/apply/guard.js';
import { guardUnit, rollbackAfter } from '../../../src/commands/guarded.js';

test('the guard is a unit of its own for each run, which a shutdown does not cut', () => {
  const words = ['/usr/bin/node', '/opt/$HOME/cli.js', 'guard', 'lab'];
  expect(guardUnit('vmnet-guard-lab-7', { VMNET_STATE_DIR: '/var/lib/vm net' }, words)).toEqual([
    '--quiet',
    '--collect',
    '--unit=vmnet-guard-lab-7',
    '--service-type=exec',
    '--property=KillMode=mixed',
    '--property=OOMScoreAdjust=-900',
    '--setenv=VMNET_STATE_DIR=/var/lib/vm net',
    '--',
    '/usr/bin/node',
    '/opt/$$HOME/cli.js',
    'guard',
    'lab',
  ]);
});

test('--rollback-after takes no time that an ordinary move would not fit in', () => {
  expect([undefined, '0', '10', '3600'].map(rollbackAfter)).toEqual([30, 0, 10, 3600]);
  for (const wrong of ['1', '9', '3601', '-1', '1e2', '10.5', '', ' 20', 'x'])
    expect(() => rollbackAfter(wrong)).toThrow('--rollback-after takes whole seconds, 0 or from 10 to 3600');
});

test('the time of a guard begins with the move, and is longer while a person is asked', () => {
  expect(patienceIn(stageOf(['guarded', 'bridge']), 30_000)).toBe(Number.POSITIVE_INFINITY);
  expect(patienceIn(stageOf(['guarded', 'bridge', 'uplink']), 30_000)).toBe(30_000);
  expect(patienceIn(stageOf(['bridge', 'uplink', 'asked 60']), 30_000)).toBe(90_000);
});
