import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readJournal } from '../../../src/apply/journal.js';
import type { Drivers } from '../../../src/drivers/drivers.js';
import { makeJournals } from '../../../src/drivers/journal.js';
import { makeRecords } from '../../../src/drivers/records.js';

let state: string;
let folder: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'vmnet-journal-'));
  folder = join(state, 'labs', 'a');
  mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(state, { recursive: true }));

const phase = (name: string) => ({ name, title: name, steps: [] });
const ENTRY = JSON.stringify({
  version: 1,
  plan: { lab: 'a', verb: 'provision', phases: ['bridge', 'uplink', 'taps'].map(phase), record: null },
  before: { bootId: 'b', netns: 'n' },
  former: null,
});
const WORDS = 'bridge\nguarded\nuplink\nconfirmed\ntaps\n';

const read = () => readJournal('a', { journals: makeJournals(state) } as Drivers);

/** What a power cut leaves of files of which only a beginning is on the disk. */
function left(entry: string | null, words: string | null): void {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  if (entry !== null) writeFileSync(join(folder, 'pending.json'), entry);
  if (words !== null) writeFileSync(join(folder, 'pending.log'), words);
}

describe('a journal', () => {
  test('cut at any byte is read as what was whole of it', async () => {
    for (let i = 0; i <= ENTRY.length; i++) {
      left(ENTRY.slice(0, i), WORDS);
      expect((await read())?.begun.length ?? 0, `entry cut at ${i}`).toBe(i < ENTRY.length ? 0 : 3);
    }
    for (let i = 0; i <= WORDS.length; i++) {
      left(ENTRY, WORDS.slice(0, i));
      const begun = (await read())?.begun.map(({ name }) => name);
      const whole = ['bridge', 'uplink', 'taps'].filter(name => WORDS.slice(0, i).split('\n').includes(name));
      expect(begun, `words cut at ${i}`).toEqual(whole);
    }
    left(ENTRY, null);
    expect((await read())?.begun).toEqual([]);
    left(null, WORDS);
    expect(await read()).toBeNull();
  });

  test('of any content does not throw', async () => {
    const text = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.json().map(value => ENTRY.replace(/"(plan|before|version)":/, `"$1":${value},"other":`)),
    );
    await fc.assert(
      fc.asyncProperty(text, fc.string({ unit: 'binary' }), async (entry, words) => {
        left(entry, words);
        await read();
      }),
      { numRuns: 300 },
    );
  });
});

describe('the labs with something under way', () => {
  test('are those whose folder holds more or less than a record', async () => {
    const put = (lab: string, ...files: string[]) => {
      mkdirSync(join(state, 'labs', lab), { recursive: true });
      for (const file of files) writeFileSync(join(state, 'labs', lab, file), '{}');
    };
    rmSync(folder, { recursive: true });
    put('settled', 'record.json');
    put('pending', 'record.json', 'pending.json', 'pending.log');
    put('words', 'pending.log');
    put('half', 'record.json', 'record.json.77');
    put('empty');
    expect((await makeJournals(state).labs()).toSorted()).toEqual(['empty', 'half', 'pending', 'words']);
  });

  test('are tidied: half a record and an empty folder go, the rest stays', async () => {
    writeFileSync(join(folder, 'record.json'), '{}');
    writeFileSync(join(folder, 'record.json.77'), '{');
    mkdirSync(join(state, 'labs', 'empty'));
    for (const lab of ['a', 'empty', 'none']) await makeRecords(state).sweep(lab);
    expect([readdirSync(folder), readdirSync(join(state, 'labs'))]).toEqual([['record.json'], ['a']]);
  });
});
