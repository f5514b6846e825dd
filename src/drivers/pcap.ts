/** A frame as a device of this host sent or received it. */
export interface CapturedFrame {
  /** Microseconds since 1970. */
  readonly timeUs: number;
  readonly ifindex: number;
  /** `out`: handed to the driver, past every nftables and tc hook of the device. */
  readonly direction: 'in' | 'out';
  /** Source of the link layer; null where the device has none. */
  readonly mac: string | null;
  /** EtherType. */
  readonly protocol: number;
  /** From the network layer on, as much as was captured. */
  readonly data: Uint8Array;
  /** Bytes of the network layer on the wire. */
  readonly length: number;
}

/** LINKTYPE_LINUX_SLL2: https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html */
const SLL2 = 276;
const SLL2_HEADER = 20;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const PACKET_OUTGOING = 4;
/** No record of a file that we ask for is longer. */
const LONGEST = 1 << 18;

/** Reads a stream of pcap as it comes. */
export interface PcapReader {
  /** The frames that this piece completes. Throws a TypeError on what is no pcap of LINUX_SLL2. */
  push(chunk: Uint8Array): CapturedFrame[];
}

export function pcapReader(): PcapReader {
  let rest = Buffer.alloc(0);
  let format: Format | null = null;
  return {
    push(chunk) {
      rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
      let at = 0;
      if (format === null) {
        if (rest.length < FILE_HEADER) return [];
        format = formatOf(rest);
        at = FILE_HEADER;
      }
      const frames: CapturedFrame[] = [];
      while (rest.length - at >= RECORD_HEADER) {
        const size = format.u32(rest, at + 8);
        if (size < SLL2_HEADER || size > LONGEST) throw new TypeError(`a pcap record of ${size} bytes`);
        if (rest.length - at < RECORD_HEADER + size) break;
        frames.push(frameAt(rest, at, size, format));
        at += RECORD_HEADER + size;
      }
      rest = rest.subarray(at);
      return frames;
    },
  };
}

interface Format {
  readonly u32: (bytes: Buffer, at: number) => number;
  /** Fractions of a second in a microsecond. */
  readonly unit: number;
}

/** The magic number tells the writer's byte order and clock. */
function formatOf(header: Buffer): Format {
  for (const u32 of [little, big]) {
    const magic = u32(header, 0);
    if (magic !== MICROSECONDS && magic !== NANOSECONDS) continue;
    const linkType = u32(header, 20) & 0xffff;
    if (linkType !== SLL2) throw new TypeError(`link type ${linkType} instead of LINUX_SLL2`);
    return { u32, unit: magic === NANOSECONDS ? 1000 : 1 };
  }
  throw new TypeError('not a pcap file');
}

const little = (bytes: Buffer, at: number) => bytes.readUInt32LE(at);
const big = (bytes: Buffer, at: number) => bytes.readUInt32BE(at);

function frameAt(bytes: Buffer, at: number, size: number, { u32, unit }: Format): CapturedFrame {
  const start = at + RECORD_HEADER;
  const data = start + SLL2_HEADER;
  const macLength = bytes.readUInt8(start + 11);
  return {
    timeUs: u32(bytes, at) * 1_000_000 + Math.floor(u32(bytes, at + 4) / unit),
    ifindex: bytes.readUInt32BE(start + 4),
    direction: bytes.readUInt8(start + 10) === PACKET_OUTGOING ? 'out' : 'in',
    mac: macLength === 6 ? macText(bytes.subarray(start + 12, start + 18)) : null,
    protocol: bytes.readUInt16BE(start),
    data: new Uint8Array(bytes.subarray(data, start + size)),
    length: u32(bytes, at + 12) - SLL2_HEADER,
  };
}

const macText = (bytes: Uint8Array) =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(':');

/** A pcap file that Wireshark and tcpdump open: microseconds, LINUX_SLL2. */
export function writePcap(frames: readonly CapturedFrame[]): Uint8Array {
  const header = Buffer.alloc(FILE_HEADER);
  header.writeUInt32LE(MICROSECONDS, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(LONGEST, 16);
  header.writeUInt32LE(SLL2, 20);
  return Buffer.concat([header, ...frames.flatMap(frame => [recordHeader(frame), frame.data])]);
}

const ARPHRD_ETHER = 1;

/** Headers of the record and of SLL2. */
function recordHeader(frame: CapturedFrame): Buffer {
  const bytes = Buffer.alloc(RECORD_HEADER + SLL2_HEADER);
  bytes.writeUInt32LE(Math.floor(frame.timeUs / 1_000_000), 0);
  bytes.writeUInt32LE(frame.timeUs % 1_000_000, 4);
  bytes.writeUInt32LE(SLL2_HEADER + frame.data.length, 8);
  bytes.writeUInt32LE(SLL2_HEADER + frame.length, 12);
  bytes.writeUInt16BE(frame.protocol, 16);
  bytes.writeUInt32BE(frame.ifindex, 20);
  bytes.writeUInt16BE(ARPHRD_ETHER, 24);
  bytes.writeUInt8(frame.direction === 'out' ? PACKET_OUTGOING : 0, 26);
  if (frame.mac !== null) {
    bytes.writeUInt8(6, 27);
    bytes.write(frame.mac.replaceAll(':', ''), 28, 'hex');
  }
  return bytes;
}
