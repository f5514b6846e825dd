import { describe, expect, test } from 'vitest';
import { judgeDisk, judgeMemory, need } from '../../../src/doctor/resources.js';
import { judgeClock, judgePending, judgeRecords, judgeWritable } from '../../../src/doctor/state.js';
import type { LabRecord } from '../../../src/host/model.js';
import { labFrom } from '../../fakes/labs.js';

const meminfo = (free: number, swap: number) =>
  `MemTotal:       24684084 kB\nMemFree:  1 kB\nMemAvailable:   ${free * 1024} kB\nSwapFree:  ${swap * 1024} kB\n`;

describe('memory', () => {
  const nics = [{ bridge: 'br0' }];
  const lab = labFrom({
    version: 1,
    name: 'l',
    bridges: { br0: {} },
    vms: {
      a: { boot: 'probe', memory: 1000, nics },
      b: { boot: 'probe', memory: 2000, accel: 'kvm', nics },
      c: { boot: 'probe', memory: 3000, accel: 'tcg', nics },
    },
  });

  test('is what guests have and what QEMU takes, of those that do not run yet', () => {
    expect(need(lab, new Set(), true)).toEqual({ guests: 3, MiB: 6000 + 120 + 120 + 230 });
    expect(need(lab, new Set(['l-b', 'l-c']), false)).toEqual({ guests: 1, MiB: 1230 });
  });

  test.each([
    [null, 'ok'],
    [{ guests: 0, MiB: 0 }, 'ok'],
    [{ guests: 2, MiB: 1000 }, 'ok'],
    [{ guests: 2, MiB: 1001 }, 'warning'],
    [{ guests: 2, MiB: 1501 }, 'fault'],
  ])('%j of 1000 MiB, with 500 MiB of swap, is %s', (needed, status) =>
    expect(judgeMemory(meminfo(1000, 500), needed).status).toBe(status),
  );
});

test.each([
  [5000, 0, 'ok'],
  [5000, 4, 'ok'],
  [5000, 5, 'warning'],
  [99, 0, 'fault'],
])('%i MiB of disk for %i images is %s', (free, images, status) =>
  expect(judgeDisk('/var/lib/vmnet', free, images).status).toBe(status),
);

test.each([
  [null, true, 'ok'],
  ['EACCES', false, 'warning'],
  ['EACCES', true, 'fault'],
  ['EROFS', false, 'fault'],
])('a folder that answers %s to root=%s is %s', (error, root, status) =>
  expect(judgeWritable('state', 'state folder', '/x', error, root).status).toBe(status),
);

test('a clock without a battery is told', () => {
  expect([0, Date.UTC(2026, 5, 1)].map(now => judgeClock(now).status)).toEqual(['warning', 'ok']);
});

describe('labs on the host', () => {
  const now = { bootId: 'b2', netns: 'net:[1]' };
  const record = (name: string, more = {}) => ({ name, ...now, ...more }) as LabRecord;

  test.each([
    ['none', [], 'ok', 'none'],
    ['this one and another', [record('l'), record('m')], 'ok', 'up: l (this one), m'],
    ['of an earlier boot', [record('m', { bootId: 'b1' })], 'warning', 'm; nothing of its network'],
    ['of another namespace', [record('l'), record('m', { netns: 'net:[2]' })], 'warning', ': m;'],
  ])('%s', (_, records, status, found) => {
    const finding = judgeRecords(records, now, 'l');
    expect(finding.status).toBe(status);
    expect(finding.found).toContain(found);
  });

  test('a run that was cut off is told, with how to end it', () => {
    expect(judgePending([])).toEqual([]);
    expect(judgePending(['l'])).toMatchObject([
      { status: 'warning', subject: 'lab l', fix: expect.stringContaining('vmnet recover l') },
    ]);
  });
});
