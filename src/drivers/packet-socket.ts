import { closeSync } from 'node:fs';
import { VmnetError } from '../errors.js';
import { type Libc, loadLibc } from './setns.js';

/** Sees all frames of one link, both ways, before any bridge or filter has them; packet(7). */
export interface PacketSocket {
  /** Put a frame on the way out of the link: at a tap, that is to its guest alone. */
  send(frame: Uint8Array): void;
  /** The frames since the last call, each cut behind its headers. */
  take(): Uint8Array[];
  close(): void;
}

export interface PacketSockets {
  /** null where there is no such link. Throws `permission`. */
  open(link: string): Promise<PacketSocket | null>;
}

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const ETH_P_ALL = 0x0003;
const SIZEOF_SOCKADDR_LL = 20;

/** Of a frame, headers and all that DHCP says. */
const KEPT = 1024;
const MOST_AT_ONCE = 2000;

export const makePacketSockets = (): PacketSockets => ({
  async open(link) {
    const libc = await loadLibc();
    const index = libc.index(link);
    return index === 0 ? null : socketAt(index, libc);
  },
});

function socketAt(index: number, libc: Libc): PacketSocket {
  // Without a protocol it hears nothing until it is bound to its link.
  const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) throw notOpened(libc.errno());
  const address = Buffer.alloc(SIZEOF_SOCKADDR_LL);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ETH_P_ALL, 2);
  address.writeInt32LE(index, 4);
  if (libc.bind(fd, address, address.length) !== 0) {
    const errno = libc.errno();
    closeSync(fd);
    throw notOpened(errno);
  }
  const buffer = Buffer.alloc(KEPT);
  return {
    send: frame => void libc.send(fd, frame, frame.length, 0), // a link that is down does not take it
    take() {
      const frames: Uint8Array[] = [];
      while (frames.length < MOST_AT_ONCE) {
        const length = Number(libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT));
        if (length < 0) break;
        frames.push(new Uint8Array(buffer.subarray(0, length)));
      }
      return frames;
    },
    close: () => closeSync(fd),
  };
}

const notOpened = (errno: number) =>
  new VmnetError(
    'permission',
    `no packet socket can be opened: errno ${errno}`,
    'Run vmnet as root (sudo) or with CAP_NET_RAW.',
  );
