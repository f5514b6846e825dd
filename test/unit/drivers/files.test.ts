import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFiles } from '../../../src/drivers/files.js';

let top: string;
const at = (...parts: string[]) => join(top, ...parts);
const files = makeFiles();

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'vmnet-files-'));
});
afterEach(() => rmSync(top, { recursive: true }));

describe('a folder', () => {
  test("lets QEMU's user through but not look around, whatever our umask", async () => {
    const umask = process.umask(0o077);
    try {
      await files.makeFolder(at('consoles', 'lab'));
    } finally {
      process.umask(umask);
    }
    expect(statSync(at('consoles', 'lab')).mode & 0o777).toBe(0o711);
    expect(statSync(at('consoles')).mode & 0o777).toBe(0o711);
    await files.makeFolder(at('consoles', 'lab'));
  });

  test('that cannot be made is an error of the state', async () => {
    writeFileSync(at('file'), '');
    await expect(files.makeFolder(at('file', 'lab'))).rejects.toMatchObject({
      code: 'state',
      message: expect.stringContaining(at('file', 'lab')),
    });
  });

  test('goes when nothing is in it', async () => {
    mkdirSync(at('full'));
    writeFileSync(at('full', 'a'), '');
    mkdirSync(at('empty'));
    for (const name of ['full', 'empty', 'absent']) await files.removeIfEmpty(at(name));
    expect(readdirSync(top)).toEqual(['full']);
  });
});

describe('a file', () => {
  test('is read whole, or is not there', async () => {
    writeFileSync(at('a.log'), 'vmnet-probe: up\n');
    expect(await files.read(at('a.log'))).toBe('vmnet-probe: up\n');
    expect(await files.read(at('b.log'))).toBeNull();
  });

  test('goes, as does a folder with all in it, and is gone the second time', async () => {
    mkdirSync(at('disks', 'lab', 'vm'), { recursive: true });
    writeFileSync(at('disks', 'lab', 'vm', 'a.qcow2'), '');
    writeFileSync(at('a.log'), '');
    for (const path of [at('disks'), at('a.log'), at('a.log')]) await files.remove(path);
    expect(readdirSync(top)).toEqual([]);
  });
});

describe('a file for a user', () => {
  const uid = process.getuid?.() === 0 ? 12345 : (process.getuid?.() ?? 0);
  // Only root may give files away, and only a member of it to the group of root.
  const asRoot = test.runIf(process.getuid?.() === 0);
  if (uid !== 12345) console.log('giving files to another user was not tested: that takes root');

  asRoot('is empty, and nobody else’s', async () => {
    writeFileSync(at('log'), 'of the last boot', { mode: 0o644 });
    await files.makeEmptyFor(at('log'), uid);
    expect(readFileSync(at('log'), 'utf8')).toBe('');
    expect(statSync(at('log'))).toMatchObject({ uid, gid: 0, mode: 0o100600 });
  });

  asRoot('is given as it is', async () => {
    writeFileSync(at('disk'), 'content');
    await files.give(at('disk'), uid);
    expect(readFileSync(at('disk'), 'utf8')).toBe('content');
    expect(statSync(at('disk'))).toMatchObject({ uid, mode: 0o100600 });
  });

  test('is not one that a link leads to', async () => {
    writeFileSync(at('secret'), 'secret');
    symlinkSync(at('secret'), at('link'));
    for (const act of [files.give, files.makeEmptyFor])
      await expect(act(at('link'), uid)).rejects.toMatchObject({ code: 'state' });
    expect(readFileSync(at('secret'), 'utf8')).toBe('secret');
  });
});
