import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

// An XDP program without a compiler: the least ELF object that libbpf loads.

/** `r0 = XDP_PASS; exit` (Linux: include/uapi/linux/bpf.h): code, registers, offset, immediate. */
const PASS = Buffer.from('b700000002000000' + '9500000000000000', 'hex');

const NAMES = '\0.strtab\0.symtab\0xdp\0license\0pass\0';
const HEADER = 64;

const nameAt = (name: string) => NAMES.indexOf(`\0${name}\0`) + 1;

/** Write an object whose section `xdp` lets every frame pass; returns its path. */
export async function writeXdpPass(folder: string): Promise<string> {
  const file = join(folder, 'pass.o');
  await writeFile(file, elf());
  return file;
}

function elf(): Buffer {
  const parts = [Buffer.from(NAMES), symbols(), PASS, Buffer.from('GPL\0')].map(padded);
  const starts = parts.map((_, i) => HEADER + Buffer.concat(parts.slice(0, i)).length);
  const at = (i: number) => starts[i] ?? 0;
  const end = HEADER + Buffer.concat(parts).length;
  return Buffer.concat([
    header(end, 5),
    ...parts,
    section(0, 0, 0, 0, 0),
    section(nameAt('.strtab'), 3, 0, at(0), NAMES.length),
    section(nameAt('.symtab'), 2, 0, at(1), 48, { link: 1, info: 1, align: 8, entry: 24 }),
    section(nameAt('xdp'), 1, 6, at(2), PASS.length, { align: 8 }),
    section(nameAt('license'), 1, 3, at(3), 4),
  ]);
}

const padded = (part: Buffer) => Buffer.concat([part, Buffer.alloc((8 - (part.length % 8)) % 8)]);

/** The empty symbol, and `pass`: a global function in section 3. */
function symbols(): Buffer {
  const both = Buffer.alloc(48);
  both.writeUInt32LE(nameAt('pass'), 24);
  both.writeUInt8(0x12, 28);
  both.writeUInt16LE(3, 30);
  both.writeBigUInt64LE(BigInt(PASS.length), 40);
  return both;
}

/** ELF64, little-endian, relocatable, machine 247: BPF. */
function header(sections: number, count: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(1, 16);
  bytes.writeUInt16LE(247, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(sections), 40);
  bytes.writeUInt16LE(HEADER, 52);
  bytes.writeUInt16LE(64, 58);
  bytes.writeUInt16LE(count, 60);
  bytes.writeUInt16LE(1, 62);
  return bytes;
}

function section(
  name: number,
  type: number,
  flags: number,
  offset: number,
  size: number,
  { link = 0, info = 0, align = 1, entry = 0 } = {},
): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(name, 0);
  bytes.writeUInt32LE(type, 4);
  for (const [i, value] of [flags, 0, offset, size].entries())
    bytes.writeBigUInt64LE(BigInt(value), 8 + 8 * i);
  bytes.writeUInt32LE(link, 40);
  bytes.writeUInt32LE(info, 44);
  bytes.writeBigUInt64LE(BigInt(align), 48);
  bytes.writeBigUInt64LE(BigInt(entry), 56);
  return bytes;
}
