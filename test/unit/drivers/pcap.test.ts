import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { captureArgs, droppedByKernel } from '../../../src/drivers/capture.js';
import { type CapturedFrame, pcapReader, writePcap } from '../../../src/drivers/pcap.js';

const frame = fc.record({
  timeUs: fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
  ifindex: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  direction: fc.constantFrom('in' as const, 'out' as const),
  mac: fc.option(fc.constantFrom('02:00:00:00:00:01', 'ff:ff:ff:ff:ff:ff')),
  protocol: fc.constantFrom(0x800, 0x806, 0x86dd),
  data: fc.uint8Array({ maxLength: 300 }),
  length: fc.integer({ min: 0, max: 65_000 }),
});

/** A file as the other kind of machine writes it, with nanoseconds. */
function foreign(frames: readonly CapturedFrame[]): Buffer {
  const file = Buffer.from(writePcap(frames));
  const swap = (at: number) => file.writeUInt32BE(file.readUInt32LE(at), at);
  for (const at of [8, 12, 16, 20]) swap(at);
  file.writeUInt32BE(0xa1b23c4d, 0);
  for (let at = 24; at < file.length; ) {
    const size = file.readUInt32LE(at + 8);
    file.writeUInt32LE(file.readUInt32LE(at + 4) * 1000 + 999, at + 4);
    for (const field of [0, 4, 8, 12]) swap(at + field);
    at += 16 + size;
  }
  return file;
}

describe('a pcap file of LINUX_SLL2', () => {
  test('is read as it was written, however it is cut', () =>
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 100 }), (frames, piece) => {
        for (const file of [writePcap(frames), foreign(frames)]) {
          const reader = pcapReader();
          const read: CapturedFrame[] = [];
          for (let at = 0; at < file.length; at += piece)
            read.push(...reader.push(file.subarray(at, at + piece)));
          expect(read).toEqual(frames);
        }
      }),
    ));

  test.each([
    ['no pcap', Buffer.alloc(24), /not a pcap/],
    [
      'another link type',
      Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex'),
      /link type 1 /,
    ],
  ])('%s is refused', (_, bytes, message) => expect(() => pcapReader().push(bytes)).toThrow(message));
});

test('tcpdump keeps its user, so that it dies with us, and takes the filter last', () => {
  const args = captureArgs('arp');
  expect(args.slice(0, 4)).toEqual(['--pdeathsig=TERM', 'tcpdump', '-Z', 'root']);
  expect(args.at(-1)).toBe('arp');
});

test('what the kernel dropped is in its last words', () => {
  expect(
    droppedByKernel('8 packets captured\n8 packets received by filter\n3 packets dropped by kernel\n'),
  ).toBe(3);
  expect(droppedByKernel('')).toBe(0);
});
