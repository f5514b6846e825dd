import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/errors.js';
import { checkFiles, LabError, loadLab } from '../../../src/lab/load.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmnet-load-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function failure(path: string): Promise<LabError> {
  const error = await loadLab(path).catch((reason: unknown) => reason);
  if (!(error instanceof LabError)) throw new Error(`expected a LabError, got ${String(error)}`);
  expect(exitCodeOf(error)).toBe(2);
  expect(error.problems.length).toBeGreaterThan(0);
  return error;
}

/** Root may read anything, so it steps down for a moment. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  const user = process.geteuid?.() ?? 0;
  if (user === 0) process.seteuid?.(65534);
  try {
    return await act();
  } finally {
    process.seteuid?.(user);
  }
}

const withImage = (image: string) =>
  JSON.stringify({
    version: 1,
    name: 'l',
    bridges: { br0: {} },
    vms: { a: { boot: { image }, nics: [{ bridge: 'br0' }] } },
  });

describe('loadLab', () => {
  test('reads a lab, with paths relative to its file', async () => {
    write('disk.qcow2', '');
    const lab = await loadLab(write('good.json', withImage('disk.qcow2')));
    expect(lab.vms[0]?.boot).toEqual({ kind: 'image', image: join(folder, 'disk.qcow2') });
    expect(lab.file).toBe(join(folder, 'good.json'));
  });

  test('names a file that is not there', async () => {
    const error = await failure(join(folder, 'no\nsuch.json'));
    expect(error.message).toBe(`the lab file "${folder}/no\\u{a}such.json" does not exist`);
    expect(error.hint).toContain('vmnet init');
  });

  test('refuses a folder', async () => {
    expect((await failure(folder)).message).toBe(`the lab file "${folder}" is a folder`);
  });

  test('refuses a link that leads to itself', async () => {
    symlinkSync('loop.json', join(folder, 'loop.json'));
    expect((await failure(join(folder, 'loop.json'))).message).toContain('leads in a circle');
  });

  test('refuses a file that is too large, by its size', async () => {
    expect((await failure(write('large.json', Buffer.alloc(10_000_000, 0x20)))).message).toContain(
      'larger than 1 MiB',
    );
    expect((await failure(write('full.json', Buffer.alloc(1024 * 1024, 0x20)))).hint).toContain(
      'the file is empty',
    );
  });

  test('does not wait for the end of a file that has none', async () => {
    expect((await failure('/dev/zero')).message).toContain('larger than 1 MiB');
  });

  test('names a file that this user may not read', async () => {
    const path = write('secret.json', '{}');
    chmodSync(path, 0);
    expect((await asNobody(() => failure(path))).message).toContain('cannot be read by this user');
  });

  test('finds the byte that is not UTF-8', async () => {
    const text = Buffer.from('\ufeff{\n  "name": "grün?"\n}\n');
    text[text.indexOf('?')] = 0xff;
    const error = await failure(write('latin1.json', text));
    expect(error.problems).toMatchObject([{ line: 2, column: 16, message: 'this byte is not UTF-8' }]);
  });

  test('knows UTF-16 when it sees it', async () => {
    const error = await failure(write('utf16.json', Buffer.from('\ufeff{}', 'utf16le')));
    expect(error.hint).toContain('UTF-16');
  });

  test('lists every problem in the hint, each on a line', async () => {
    const error = await failure(write('bad.json', '{\n "version": 2,\n "nme": 3\n}'));
    expect(error.message).toContain('has 4 problems');
    expect(error.hint?.split('\n')).toHaveLength(4);
    expect(error.hint).toContain('3:2 nme: unknown key "nme"; did you mean "name"?');
  });

  test('shortens a hint that nobody would read', async () => {
    const error = await failure(
      write(
        'many.json',
        JSON.stringify(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 1]))),
      ),
    );
    expect(error.problems).toHaveLength(103);
    expect(error.hint?.split('\n').at(-1)).toBe('and 63 more');
  });

  test('looks at the images, unless told not to', async () => {
    const path = write('image.json', withImage('none.qcow2'));
    expect((await failure(path)).hint).toContain(`the image "${folder}/none.qcow2" does not exist`);
    const lab = await loadLab(path, { files: 'skip' });
    expect(checkFiles(lab)).toEqual([`the image "${folder}/none.qcow2" of VM a does not exist`]);
    expect((await failure(write('folder.json', withImage('.')))).hint).toContain('is a folder');
  });
});
