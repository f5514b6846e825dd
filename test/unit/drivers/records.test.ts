import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeRecords } from '../../../src/drivers/records.js';

let state: string;
const fileOf = (name: string) => join(state, 'labs', name, 'record.json');
const record = (name: string, more: object = {}) => ({
  version: 1,
  name,
  lab: { name },
  uplinks: {},
  ...more,
});

beforeEach(() => {
  state = join(mkdtempSync(join(tmpdir(), 'vmnet-records-')), 'state');
});
afterEach(() => rmSync(join(state, '..'), { recursive: true }));

function put(name: string, text: string): void {
  mkdirSync(join(state, 'labs', name), { recursive: true });
  writeFileSync(fileOf(name), text);
}

describe('records', () => {
  test('are none where nothing was ever kept', async () => {
    expect(await makeRecords(state).all()).toEqual([]);
  });

  test('come back as they were saved, by name', async () => {
    const records = makeRecords(state);
    const [a, b] = [record('a', { uplinks: { eth0: { up: true } } }), record('b')];
    await records.save(b);
    await records.save(a);
    expect(await makeRecords(state).all()).toEqual([a, b]);
  });

  test('are for root alone', async () => {
    await makeRecords(state).save(record('a'));
    expect(statSync(fileOf('a')).mode & 0o777).toBe(0o600);
    expect(statSync(join(state, 'labs', 'a')).mode & 0o777).toBe(0o700);
  });

  test('go one by one, and twice', async () => {
    const records = makeRecords(state);
    await records.save(record('a'));
    await records.save(record('b'));
    await records.remove('a');
    await records.remove('a');
    expect(await records.all()).toEqual([record('b')]);
    expect(readdirSync(join(state, 'labs'))).toEqual(['b']);
  });

  test('pass over a folder that holds none', async () => {
    mkdirSync(join(state, 'labs', 'empty'), { recursive: true });
    expect(await makeRecords(state).all()).toEqual([]);
  });
});

describe('a record', () => {
  test('is replaced whole: a reader has the old file or the new one', async () => {
    const records = makeRecords(state);
    await records.save(record('a', { bootId: 'x'.repeat(1000) }));
    const old = readFileSync(fileOf('a'), 'utf8');
    const before = statSync(fileOf('a')).ino;
    await records.save(record('a', { bootId: 'y' }));
    expect(statSync(fileOf('a')).ino).not.toBe(before);
    expect(old).toContain('xxx');
    expect(await records.all()).toEqual([record('a', { bootId: 'y' })]);
    expect(readdirSync(join(state, 'labs', 'a'))).toEqual(['record.json']);
  });

  test('that cannot be written leaves the former one', async () => {
    const records = makeRecords(state);
    await records.save(record('a'));
    mkdirSync(`${fileOf('a')}.${process.pid}`); // in the way of the file that would be written first
    await expect(records.save(record('a', { bootId: 'new' }))).rejects.toMatchObject({
      code: 'state',
      message: expect.stringContaining(join(state, 'labs', 'a')),
      hint: expect.stringContaining('VMNET_STATE_DIR'),
    });
    expect(await records.all()).toEqual([record('a')]);
  });

  test('has no place where the state folder is a file', async () => {
    writeFileSync(state, '');
    await expect(makeRecords(state).save(record('a'))).rejects.toMatchObject({ code: 'state' });
    await expect(makeRecords(state).all()).rejects.toMatchObject({ code: 'state' });
  });

  test.each([
    ['empty', ''],
    ['cut', '{"version": 1, "name": "a", "lab": {'],
    ['no object', 'null'],
    ['a list', '[]'],
    ['of another version', '{"version": 2, "name": "a", "lab": {}}'],
    ['without a version', '{"name": "a", "lab": {}}'],
    ['without a name', '{"version": 1, "lab": {}}'],
    ['without a lab', '{"version": 1, "name": "a", "uplinks": {}}'],
    ['with a lab of null', '{"version": 1, "name": "a", "lab": null, "uplinks": {}}'],
    ['without uplinks', '{"version": 1, "name": "a", "lab": {}}'],
    ['followed by more', `${JSON.stringify(record('a'))}}`],
  ])('that is %s is damaged, and its file is named', async (_, text) => {
    await makeRecords(state).save(record('b'));
    put('a', text);
    await expect(makeRecords(state).all()).rejects.toMatchObject({
      code: 'state',
      message: `${fileOf('a')} is damaged: it holds no record of a lab`,
      hint: expect.stringContaining('vmnet destroy'),
    });
  });

  test('that is damaged can be replaced and removed', async () => {
    const records = makeRecords(state);
    put('a', '{');
    await records.save(record('a'));
    expect(await records.all()).toEqual([record('a')]);
    put('a', '{');
    await records.remove('a');
    expect(await records.all()).toEqual([]);
  });
});
