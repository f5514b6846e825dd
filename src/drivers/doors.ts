import { closeSync } from 'node:fs';
import { packetSocket, receive } from './packet-socket.js';
import { type Libc, loadLibc } from './setns.js';

/**
 * At a tap, between the guest and its bridge: what is sent goes to the guest alone, past bridge and LAN, and what the guest
 * says is heard before any bridge has it. Nothing of the host is changed for that.
 */
export interface Door {
  /** False where the tap does not take it. */
  send(frame: Uint8Array): boolean;
  /** Frames that came since the last look, of both directions; beginnings only. */
  heard(): Uint8Array[];
}

export interface OpenDoor extends Door {
  close(): void;
}

export interface Doors {
  /** One at each of these taps, by index of the interface, for frames of ARP, ICMPv6 and DHCP. Throws `permission`. */
  open(indexes: readonly number[]): Promise<{ readonly doors: readonly Door[]; close(): void }>;
  /** One at a link of that name, for all frames; null where there is no such link. Throws `permission`. */
  at(link: string): Promise<OpenDoor | null>;
}

/** Linux: include/uapi/linux/if_ether.h. A bridge's port hands nothing to sockets of a single EtherType. */
const ETH_P_ALL = 3;

const MOST_A_LOOK = 200;
/** Of a frame: headers and all that DHCP says. */
const LONGEST = 1024;

/** Linux: include/uapi/linux/filter.h and bpf_common.h. */
const instruction = (code: number, k: number, yes = 0, no = 0) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes[2] = yes;
  bytes[3] = no;
  bytes.writeUInt32LE(k, 4);
  return bytes;
};
const LOAD_HALF = 0x28;
const LOAD_BYTE = 0x30;
const IF_EQUAL = 0x15;
const RETURN = 0x06;

/** A busy guest would fill the socket with what nobody looks at. */
export const TELLING = Buffer.concat([
  instruction(LOAD_HALF, 12),
  instruction(IF_EQUAL, 0x0806, 8, 0), // ARP
  instruction(IF_EQUAL, 0x86dd, 0, 2),
  instruction(LOAD_BYTE, 20),
  instruction(IF_EQUAL, 58, 5, 6), // ICMPv6
  instruction(IF_EQUAL, 0x0800, 0, 5),
  instruction(LOAD_BYTE, 23),
  instruction(IF_EQUAL, 17, 0, 3),
  instruction(LOAD_HALF, 36), // of UDP, for a header without options
  instruction(IF_EQUAL, 67, 0, 1), // to a DHCP server
  instruction(RETURN, LONGEST),
  instruction(RETURN, 0),
]);

export const makeDoors = (): Doors => ({
  async open(indexes) {
    const libc = await loadLibc();
    const sockets: number[] = [];
    const close = () => {
      for (const socket of sockets.splice(0)) closeSync(socket);
    };
    try {
      for (const index of indexes) sockets.push(packetSocket(index, ETH_P_ALL, libc, TELLING));
    } catch (error) {
      close();
      throw error;
    }
    return { doors: sockets.map(socket => doorOf(socket, libc)), close };
  },

  async at(link) {
    const libc = await loadLibc();
    const index = libc.index(link);
    if (index === 0) return null;
    const socket = packetSocket(index, ETH_P_ALL, libc);
    return { ...doorOf(socket, libc), close: () => closeSync(socket) };
  },
});

const doorOf = (socket: number, libc: Libc): Door => ({
  send: frame => Number(libc.send(socket, frame, frame.length, 0)) === frame.length,
  heard() {
    const frames: Uint8Array[] = [];
    while (frames.length < MOST_A_LOOK) {
      const frame = receive(socket, libc, LONGEST);
      if (frame === null) break;
      frames.push(frame);
    }
    return frames;
  },
});
