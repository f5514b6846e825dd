import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { packetSocket, receive } from './packet-socket.js';
import { inside, type Libc, loadLibc, namespaceFile } from './setns.js';

/** One end of a wire: an interface in a named network namespace, or in our own. */
export interface WireEnd {
  readonly namespace: string | null;
  /** Of the interface, in its namespace. */
  readonly index: number;
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
}

/** Frames that were sent at one end, and how many of them came out at the other. */
export interface Crossed {
  readonly sent: number;
  readonly received: number;
}

export interface Wires {
  /** Send frames of our own across a wire both ways, the last one as long as the MTU allows. Throws `permission`. */
  cross(a: WireEnd, b: WireEnd): Promise<{ readonly there: Crossed; readonly back: Crossed }>;
}

/** IEEE 802's "local experimental" EtherType: no stack answers it, and a socket that wants it alone stands behind all filters. */
const ETHERTYPE = 0x88b5;
const HEADER = 14;
const SHORTEST = 60;

/** Bytes of the payload by which we know our own frames. */
const TOKEN = 16;

const FRAMES = 3;

/** Milliseconds; a frame crosses a veth in microseconds, if the processor has time for it. */
const PATIENCE = 2000;
const AGAIN = 400;
const INTERVAL = 5;

export const makeWires = (): Wires => ({
  async cross(a, b) {
    const libc = await loadLibc();
    const sockets: number[] = [];
    try {
      for (const end of [a, b]) sockets.push(openAt(end, libc));
      const [one = -1, two = -1] = sockets;
      return { there: await crossing(one, two, a, b, libc), back: await crossing(two, one, b, a, libc) };
    } finally {
      for (const socket of sockets) closeSync(socket);
    }
  },
});

/**
 * Tried again as long as frames are lost: an end that has just been set up drops all in silence until the kernel has
 * noticed its carrier. What the best try brought across counts.
 */
async function crossing(from: number, to: number, a: WireEnd, b: WireEnd, libc: Libc): Promise<Crossed> {
  const deadline = performance.now() + PATIENCE;
  let best = 0;
  while (best < FRAMES && performance.now() < deadline)
    best = Math.max(best, await attempt(from, to, a, b, libc));
  return { sent: FRAMES, received: best };
}

/** How many frames came out. */
async function attempt(from: number, to: number, a: WireEnd, b: WireEnd, libc: Libc): Promise<number> {
  const token = randomBytes(TOKEN);
  let received = 0;
  const take = () => {
    for (let frame = receive(to, libc); frame !== null; frame = receive(to, libc))
      if (frame.subarray(HEADER, HEADER + TOKEN).equals(token)) received++;
  };
  for (let i = 0; i < FRAMES; i++) {
    const length = i === FRAMES - 1 ? HEADER + Math.min(a.mtu, b.mtu) : SHORTEST;
    const frame = frameOf(a.mac, b.mac, token, length);
    libc.send(from, frame, frame.length, 0); // a link that is down does not take it
  }
  const deadline = performance.now() + AGAIN;
  for (take(); received < FRAMES && performance.now() < deadline; take()) await sleep(INTERVAL);
  return received;
}

/** Pure. */
export function frameOf(from: string, to: string, token: Uint8Array, length: number): Buffer {
  const frame = Buffer.alloc(length);
  Buffer.from(to.replaceAll(':', ''), 'hex').copy(frame, 0);
  Buffer.from(from.replaceAll(':', ''), 'hex').copy(frame, 6);
  frame.writeUInt16BE(ETHERTYPE, 12);
  frame.set(token.subarray(0, length - HEADER), HEADER);
  return frame;
}

/** A packet socket stays in the namespace that it was made in. */
function openAt({ namespace, index }: WireEnd, libc: Libc): number {
  const fd = openSync(namespace === null ? '/proc/thread-self/ns/net' : namespaceFile(namespace), 'r');
  try {
    return inside(fd, libc, () => packetSocket(index, ETHERTYPE, libc));
  } finally {
    closeSync(fd);
  }
}
