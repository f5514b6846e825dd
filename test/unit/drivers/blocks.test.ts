import { chmod, lstat, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findBlock, makeBlocks, withBlock, withoutBlock } from '../../../src/drivers/blocks.js';
import { makeRun } from '../../../src/drivers/run.js';

/** Texts of others, near to what breaks: line ends of all kinds, none, and what looks like ours. */
const text = fc
  .array(
    fc.constantFrom(
      '127.0.0.1 localhost',
      '',
      '# BEGIN vmnet',
      '# END',
      '\r',
      '\t',
      'ÿ',
      '# BEGIN vmnet x y',
    ),
  )
  .chain(lines => fc.constantFrom('\n', '').map(end => lines.join('\n') + end));
const lines = fc.array(fc.constantFrom('192.0.2.1 a', '# b: no address is known', '', '2001:db8::1 c.d c'));

describe('a block in a text', () => {
  test('leaves no trace', () => {
    fc.assert(
      fc.property(text, lines, lines, (before, some, others) => {
        const once = withBlock(before, 'lab', some);
        expect(withoutBlock(once, 'lab')).toBe(before);
        expect(withBlock(once, 'lab', some)).toBe(once);
        expect(withoutBlock(withBlock(once, 'lab', others), 'lab')).toBe(before);
      }),
    );
  });

  test('lives beside that of another lab, whichever goes first', () => {
    fc.assert(
      fc.property(text, lines, fc.boolean(), (before, some, first) => {
        const both = withBlock(withBlock(before, 'one', some), 'two', some);
        const order = first ? ['one', 'two'] : ['two', 'one'];
        const left = order.reduce(withoutBlock, both);
        expect(left).toBe(before);
        expect(findBlock(withoutBlock(both, 'one'), 'two')).not.toBeNull();
      }),
    );
  });

  test('is taken out of what was added behind it', () => {
    const block = withBlock('localhost', 'lab', ['192.0.2.1 web']);
    expect(withoutBlock(`${block}192.0.2.9 mine\n`, 'lab')).toBe('localhost\n192.0.2.9 mine\n');
  });

  test('is not guessed at where its marks are damaged', () => {
    const whole = withBlock('', 'lab', ['192.0.2.1 web']);
    expect(() => withoutBlock(whole.replace('# END vmnet lab', ''), 'lab')).toThrow(
      'line 1 begins a block that nothing ends',
    );
    expect(() => withoutBlock('a\n# END vmnet lab\n', 'lab')).toThrow(
      'line 2 ends a block that nothing begins',
    );
    expect(() => withBlock(whole + whole, 'lab', [])).toThrow('it has 2 blocks of lab');
    expect(withoutBlock(whole, 'la')).toBe(whole);
  });
});

describe('a block in a file', () => {
  let folder: string;
  const blocks = makeBlocks(makeRun(() => {}));
  const make = { mode: 0o600, owner: null };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blocks-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('keeps bytes, mode and links', async () => {
    const [file, link] = [join(folder, 'hosts'), join(folder, 'link')];
    const bytes = Buffer.from([0xff, 0x0a, 0xc3, 0x28, 0x0d, 0x0a, 0x61]);
    await writeFile(file, bytes);
    await chmod(file, 0o640);
    await symlink('hosts', link);
    await blocks.write(link, 'lab', ['192.0.2.1 web.lab web'], make);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readFile(file, 'latin1')).toContain('\n192.0.2.1 web.lab web\n# END vmnet lab\n');
    expect(await blocks.remove(link, 'lab', false)).toBe(true);
    expect(await readFile(file)).toEqual(bytes);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await blocks.remove(link, 'lab', false)).toBe(false);
  });

  test('makes a file, which goes again unless something else is in it', async () => {
    const file = join(folder, 'config');
    await blocks.write(file, 'lab', ['Host web'], make);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await blocks.remove(file, 'lab', true)).toBe(true);
    expect(await blocks.exists(file)).toBe(false);
    await blocks.write(file, 'lab', ['Host web'], make);
    await writeFile(file, `Host mine\n${await readFile(file, 'utf8')}`);
    await blocks.remove(file, 'lab', true);
    expect(await readFile(file, 'utf8')).toBe('Host mine\n');
  });

  test('is refused where it cannot be, naming file and remedy', async () => {
    await expect(blocks.write(join(folder, 'no/hosts'), 'lab', [], make)).rejects.toMatchObject({
      code: 'state',
      message: expect.stringContaining('/no/hosts cannot be changed: ENOENT'),
    });
    const file = join(folder, 'hosts');
    await writeFile(file, '# BEGIN vmnet lab\n');
    await expect(blocks.remove(file, 'lab', false)).rejects.toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('"# END vmnet lab" by hand'),
    });
  });
});
