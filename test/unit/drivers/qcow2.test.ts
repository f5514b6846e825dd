import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readHeader } from '../../../src/drivers/qcow2.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmnet-qcow2-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const headerOf = (bytes: Uint8Array) => {
  writeFileSync(join(folder, 'image'), bytes);
  return readHeader(join(folder, 'image'));
};

/** As QEMU writes it: a header of version 3 with extensions and the name of a backing file behind them. */
function qcow2(extensions: readonly (readonly [type: number, data: string])[], backing: string): Buffer {
  const head = Buffer.alloc(104);
  head.writeUInt32BE(0x514649fb, 0);
  head.writeUInt32BE(3, 4);
  head.writeUInt32BE(104, 100);
  const parts = extensions.map(([type, data]) => {
    const part = Buffer.alloc(8 + Math.ceil(data.length / 8) * 8);
    part.writeUInt32BE(type, 0);
    part.writeUInt32BE(data.length, 4);
    part.write(data, 8);
    return part;
  });
  const start = Buffer.concat([head, ...parts, Buffer.alloc(8)]);
  if (backing !== '') start.writeBigUInt64BE(BigInt(start.length), 8);
  start.writeUInt32BE(Buffer.byteLength(backing), 16);
  return Buffer.concat([start, Buffer.from(backing)]);
}

test('a header tells of backing files and data files', async () => {
  expect(await headerOf(qcow2([], ''))).toEqual({
    backingFile: null,
    backingFormat: null,
    dataFile: false,
    encrypted: false,
  });
  expect(
    await headerOf(
      qcow2(
        [
          [0x6803f857, 'feature names'],
          [0xe2792aca, 'raw'],
        ],
        'base.img',
      ),
    ),
  ).toMatchObject({ backingFile: 'base.img', backingFormat: 'raw' });
  expect(await headerOf(qcow2([[0x44415441, '/etc/shadow']], ''))).toMatchObject({ dataFile: true });
});

test.each([
  ['', null],
  ['{"not":"a disk"}', null],
  ['KDMV', 'vmdk'],
  ['# Disk DescriptorFile\n', 'vmdk'],
  ['<<< Oracle VM VirtualBox Disk Image >>>', 'vdi'],
  ['\x1f\x8b\x08', 'gzip'],
])('a file that begins with %j is %j', async (text, format) =>
  expect(await headerOf(Buffer.from(text, 'latin1'))).toBe(format),
);

test('no header does harm', async () => {
  const magic = Uint8Array.from([0x51, 0x46, 0x49, 0xfb, 0, 0, 0]);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 2, 3, 9),
      fc.uint8Array({ maxLength: 400 }),
      async (version, rest) => {
        const found = await headerOf(Buffer.concat([magic, Uint8Array.from([version]), rest]));
        expect(['object', 'string']).toContain(typeof found);
      },
    ),
    { numRuns: 500, seed: 1 },
  );
});
