import { closeSync } from 'node:fs';
import { VmnetError } from '../errors.js';
import type { Libc } from './setns.js';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;

const LARGEST = 65_536 + 14;

/**
 * A packet socket of one interface, in the network namespace of this thread. Throws `permission`.
 * @param etherType what it hears: of EtherType 3, which is all, also what somebody else takes before the stack
 * @param filter a classic BPF program for what it hears
 */
export function packetSocket(index: number, etherType: number, libc: Libc, filter?: Uint8Array): number {
  const { socket, bind, errno } = libc;
  // Without a type it hears nothing until it is bound: not of other interfaces, and not past its filter.
  const fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) throw notOpened(errno());
  const address = Buffer.alloc(20); // struct sockaddr_ll
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(etherType, 2);
  address.writeInt32LE(index, 4);
  const ready = filter === undefined || libc.attachFilter(fd, filter) === 0;
  if (ready && bind(fd, address, address.length) === 0) return fd;
  const reason = errno();
  closeSync(fd);
  throw notOpened(reason);
}

/** The next frame that waits; null where there is none. */
export function receive(socket: number, { recv }: Libc, largest = LARGEST): Buffer | null {
  const buffer = Buffer.alloc(largest);
  const length = Number(recv(socket, buffer, buffer.length, MSG_DONTWAIT));
  return length < 0 ? null : buffer.subarray(0, length);
}

const notOpened = (errno: number) =>
  new VmnetError(
    'permission',
    `no packet socket can be opened: errno ${errno}`,
    'Run vmnet as root (sudo) or with CAP_NET_RAW.',
  );
