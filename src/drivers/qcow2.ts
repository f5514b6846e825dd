import { type FileHandle, open } from 'node:fs/promises';

/** What the header of a qcow2 image leads to; read by ourselves, since opening such an image opens those files, too. */
export interface Qcow2Header {
  /** As it is written there: a path, or in hostile or unusual images anything that QEMU can open. */
  readonly backingFile: string | null;
  readonly backingFormat: string | null;
  /** The data lie in another file. */
  readonly dataFile: boolean;
  readonly encrypted: boolean;
}

const MAGIC = 0x514649fb;
const BACKING_FORMAT = 0xe2792aca;
const DATA_FILE_NAME = 0x44415441;

/** Bit 2 of the incompatible features: an external data file. */
const EXTERNAL_DATA = 1 << 2;

/** QEMU's own limit of the name of a backing file. */
const LONGEST_NAME = 1023;

/** Header, extensions and the name lie in the first cluster, of which 64 KiB is the usual size. */
const ENOUGH = 64 * 1024;

/** Formats that people have images in, by the bytes that they begin with. */
const OTHERS: readonly (readonly [format: string, start: string])[] = [
  ['vmdk', 'KDMV'],
  ['vmdk', 'COWD'],
  ['vmdk', '# Disk DescriptorFile'],
  ['vdi', '<<< '],
  ['vhdx', 'vhdxfile'],
  ['vpc', 'conectix'],
  ['qed', 'QED\0'],
  ['luks', 'LUKS\xba\xbe'],
  ['gzip', '\x1f\x8b'],
  ['xz', '\xfd7zXZ\0'],
  ['zstd', '\x28\xb5\x2f\xfd'],
];

/** A header; the name of another format that is known by its first bytes; or null for anything else. Throws as fs does. */
export async function readHeader(path: string): Promise<Qcow2Header | string | null> {
  const handle = await open(path, 'r');
  try {
    return await headerIn(handle);
  } finally {
    await handle.close();
  }
}

async function headerIn(handle: FileHandle): Promise<Qcow2Header | string | null> {
  const bytes = Buffer.alloc(ENOUGH);
  const { bytesRead } = await handle.read(bytes, 0, ENOUGH, 0);
  const head = bytes.subarray(0, bytesRead);
  if (head.length < 72 || head.readUInt32BE(0) !== MAGIC) {
    const start = head.subarray(0, 32).toString('latin1');
    return OTHERS.find(([, magic]) => start.startsWith(magic))?.[0] ?? null;
  }
  return parseHeader(head, async (offset, length) => {
    const name = Buffer.alloc(length);
    return name.subarray(0, (await handle.read(name, 0, length, offset)).bytesRead);
  });
}

/** The layout is in QEMU's docs/interop/qcow2.txt. */
async function parseHeader(
  head: Buffer,
  readAt: (offset: number, length: number) => Promise<Buffer>,
): Promise<Qcow2Header | string | null> {
  const version = head.readUInt32BE(4);
  if (version === 1) return 'qcow';
  const nameOffset = Number(head.readBigUInt64BE(8));
  const nameLength = head.readUInt32BE(16);
  if (nameLength > LONGEST_NAME || !Number.isSafeInteger(nameOffset)) return null;
  const isNew = version >= 3 && head.length >= 104;
  const extensions = isNew ? extensionsIn(head, head.readUInt32BE(100)) : extensionsIn(head, 72);
  const features = isNew ? head.readUInt32BE(76) : 0;
  return {
    backingFile: nameOffset === 0 ? null : (await readAt(nameOffset, nameLength)).toString('utf8'),
    backingFormat: extensions.get(BACKING_FORMAT)?.toString('utf8') ?? null,
    dataFile: (features & EXTERNAL_DATA) !== 0 || extensions.has(DATA_FILE_NAME),
    encrypted: head.readUInt32BE(32) !== 0,
  };
}

/** Type, length and data, padded to 8 bytes; type 0 ends them. */
function extensionsIn(head: Buffer, start: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = start; at + 8 <= head.length; ) {
    const type = head.readUInt32BE(at);
    const length = head.readUInt32BE(at + 4);
    if (type === 0 || at + 8 + length > head.length) break;
    found.set(type, head.subarray(at + 8, at + 8 + length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return found;
}
