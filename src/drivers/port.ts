import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { VmnetError } from '../errors.js';

/**
 * A tap of our own whose far end is this process. The kernel deletes it when the descriptor is closed, however we
 * end; programs that we start do not inherit it.
 */
export interface FramePort {
  readonly name: string;
  /** Put an Ethernet frame on the wire; false where the kernel did not take it, as when the link is down. */
  send(frame: Uint8Array): boolean;
  /** Called with each frame that comes in; those that came before a listener did are lost. */
  onFrame(listener: (frame: Uint8Array) => void): void;
  close(): void;
}

export interface Ports {
  /** Make the tap `name`, down and in no bridge. Throws `permission`, `missing-tool` or `conflict`. */
  open(name: string): Promise<FramePort>;
}

const DEVICE = '/dev/net/tun';

/** The first TUN ioctl that matters (linux/if_tun.h), and its flags. EXCL: never attach to a tap that is there. */
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_TUN_EXCL = 0x8000;

const IFNAMSIZ = 16;
const SIZEOF_IFREQ = 40;
const LARGEST_FRAME = 65_536;

/** Milliseconds between looks. A look at an idle port takes 5 µs, the kernel's queue holds 1000 frames. */
const INTERVAL = 4;
const FRAMES_A_LOOK = 1000;

/** struct ifreq for TUNSETIFF. */
export function tapRequest(name: string): Uint8Array {
  const request = Buffer.alloc(SIZEOF_IFREQ);
  if (Buffer.byteLength(name) >= IFNAMSIZ) throw new TypeError(`${name} is too long for a link`);
  request.write(name);
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL, IFNAMSIZ);
  return request;
}

export function makePorts(): Ports {
  return {
    async open(name) {
      const fd = openDevice();
      try {
        await setInterfaceName(fd, name);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      return attach(name, fd);
    },
  };
}

function openDevice(): number {
  try {
    return openSync(DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw forbidden(message, error);
    throw new VmnetError(
      'missing-tool',
      `${DEVICE} cannot be opened: ${message}`,
      'Load the module (modprobe tun); inside a container, hand it the device /dev/net/tun.',
      error,
    );
  }
}

/** Node has no ioctl(2); libc is loaded with the first port. */
async function setInterfaceName(fd: number, name: string): Promise<void> {
  const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
  ioctl ??= koffi.load(null).func('int ioctl(int, unsigned long, ...)') as unknown as Ioctl;
  if (ioctl(fd, TUNSETIFF, 'void *', tapRequest(name)) === 0) return;
  const errno = koffi.errno();
  const { EPERM, EBUSY } = koffi.os.errno;
  if (errno === EPERM) throw forbidden(`the tap ${name} cannot be made`);
  if (errno === EBUSY) throw new VmnetError('conflict', `there is a link ${name} already`);
  throw new VmnetError('command-failed', `the tap ${name} cannot be made: errno ${errno}`);
}

type Ioctl = (fd: number, request: number, type: string, argument: Uint8Array) => number;
let ioctl: Ioctl | undefined;

const forbidden = (what: string, cause?: unknown) =>
  new VmnetError(
    'permission',
    `${what}: not permitted`,
    'Run vmnet as root (sudo) or with CAP_NET_ADMIN; inside a container, the container needs it too.',
    cause,
  );

function attach(name: string, fd: number): FramePort {
  const listeners: ((frame: Uint8Array) => void)[] = [];
  const buffer = Buffer.alloc(LARGEST_FRAME);
  let open = true;
  const look = () => {
    for (let i = 0; i < FRAMES_A_LOOK && open; i++) {
      const length = attempt(() => readSync(fd, buffer));
      if (length === null) return;
      if (listeners.length === 0) continue;
      const frame = new Uint8Array(buffer.subarray(0, length));
      for (const listener of listeners) listener(frame);
    }
  };
  // A port that nobody waits for keeps no process alive.
  const timer = setInterval(look, INTERVAL).unref();
  return {
    name,
    send: frame => open && attempt(() => writeSync(fd, frame)) === frame.length,
    onFrame: listener => void listeners.push(listener),
    close() {
      if (!open) return;
      open = false;
      clearInterval(timer);
      closeSync(fd);
    },
  };
}

/** Null where there is nothing to read, no room to write, or the link is down or gone. */
function attempt(call: () => number): number | null {
  try {
    return call();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) return null;
    throw error;
  }
}
