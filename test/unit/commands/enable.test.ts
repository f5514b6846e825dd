import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Context } from '../../../src/commands/command.js';
import { disable, disableUnit, enable } from '../../../src/commands/enable.js';
import { afterReboot } from '../../../src/commands/rebooted.js';
import type { Drivers } from '../../../src/drivers/drivers.js';
import { makeSystemd } from '../../../src/drivers/systemd.js';
import type { LabRecord } from '../../../src/host/model.js';
import { jsonReporter } from '../../../src/report/json.js';
import { labFrom } from '../../fakes/labs.js';

const LAB = labFrom({ version: 1, name: 'home', bridges: { br0: { uplink: 'eth0' } } });
const RECORD = { version: 1, name: 'home', lab: LAB, networkOnly: true, bootId: 'b' } as unknown as LabRecord;

let folder: string;
let calls: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'units-'));
  calls = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

function context(systemd = true, records: LabRecord[] = [RECORD]): Context {
  const run = async (file: string, args: readonly string[]) => {
    calls.push([file, ...args].join(' '));
    return { stdout: '', stderr: '', exitCode: 0 };
  };
  const drivers = {
    stateDir: '/var/lib/vmnet',
    kernel: {
      mayAdminister: async () => true,
      exists: async () => true,
      hasSystemd: async () => systemd,
      bootId: async () => 'boot-now',
    },
    records: { all: async () => records },
    systemd: makeSystemd(run, folder),
  } as unknown as Drivers;
  const { signal } = new AbortController();
  return { drivers, reporter: jsonReporter(), signal, about: { lab: null }, json: true };
}

const UNIT = 'vmnet-lab-home.service';

describe('a lab', () => {
  test('is enabled by a unit that everybody may read, and disabled without a trace', async () => {
    expect(await enable('home', {}, context())).toMatchObject({ lab: 'home', more: { unit: UNIT } });
    expect(readFileSync(join(folder, UNIT), 'utf8')).toMatch(/^ExecStart=.* boot home$/m);
    expect(statSync(join(folder, UNIT)).mode & 0o777).toBe(0o644);
    await disable('home', {}, context());
    expect(readdirSync(folder)).toEqual([]);
    expect(calls).toEqual([
      'systemctl daemon-reload',
      `systemctl --quiet enable ${UNIT}`,
      `systemctl --quiet disable ${UNIT}`,
      'systemctl daemon-reload',
    ]);
    expect((await disable('home', {}, context())).more).toEqual({ was: false });
    expect(calls).toHaveLength(4);
  });

  test('that was not provisioned is not enabled', async () => {
    await expect(enable('home', {}, context(true, []))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('the lab home has not been provisioned'),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('leaves a unit of the same name alone that vmnet did not make', async () => {
    writeFileSync(join(folder, UNIT), '[Unit]\n');
    for (const verb of [enable, disable])
      await expect(verb('home', {}, context())).rejects.toMatchObject({ code: 'conflict' });
    expect(await disableUnit('home', context().drivers)).toBe(false);
    expect([readdirSync(folder), calls]).toEqual([[UNIT], []]);
  });
});

describe('where systemd is not in charge', () => {
  test('nothing is enabled or disabled, and the error says what to do', async () => {
    for (const verb of [enable, disable]) {
      await expect(verb('home', {}, context(false))).rejects.toMatchObject({
        code: 'missing-tool',
        hint: expect.stringContaining('vmnet provision --network-only --yes FILE'),
      });
    }
    expect(calls).toEqual([]);
  });

  test('the units that are seen are those of another host', async () => {
    await enable('home', {}, context());
    calls = [];
    expect(await disableUnit('home', context(false).drivers)).toBe(false);
    expect([readdirSync(folder), calls]).toEqual([[UNIT], []]);
  });
});

describe('after a reboot', () => {
  const now = { ...RECORD, name: 'now', bootId: 'boot-now' };

  test('a lab says that it is gone, and how it comes back', async () => {
    const [only, ...more] = await afterReboot([RECORD, now], context());
    expect(only?.note).toContain('home: the host was rebooted since, and its network plane is gone.');
    expect(only?.note).toContain('vmnet provision /labs/lab.json brings it back; vmnet enable home');
    expect(more).toEqual([]);
  });

  test('one that was to come back says where to look', async () => {
    await enable('home', {}, context());
    const [only] = await afterReboot([RECORD], context());
    expect(only?.note).toContain('journalctl -b -u vmnet-lab-home');
  });
});
