// The guest's end of a tap: attaches to it as QEMU does, sends each line of hex from stdin as a frame, and prints each
// frame that comes as a line of hex. Ends with its stdin.
// usage: node tap-end.mjs TAP
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import koffi from 'koffi';

const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI_VNET_HDR = 0x0002 | 0x1000 | 0x4000;
/** struct virtio_net_hdr: no offload. */
const HEADER = Buffer.alloc(10);

const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
const request = Buffer.alloc(40);
request.write(process.argv[2]);
request.writeUInt16LE(IFF_TAP_NO_PI_VNET_HDR, 16);
const ioctl = koffi.load(null).func('int ioctl(int, unsigned long, ...)');
if (ioctl(fd, TUNSETIFF, 'void *', request) !== 0) throw new Error(`TUNSETIFF: errno ${koffi.errno()}`);

const buffer = Buffer.alloc(70_000);
setInterval(() => {
  for (;;) {
    try {
      const length = readSync(fd, buffer);
      process.stdout.write(`${buffer.subarray(HEADER.length, length).toString('hex')}\n`);
    } catch {
      return; // nothing more is there
    }
  }
}, 5).unref();

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  // `COUNT HEX` sends a frame again and again, as fast as it goes.
  const [hex, count = '1'] = line.trim().split(' ').reverse();
  const frame = Buffer.concat([HEADER, Buffer.from(hex, 'hex')]);
  for (let i = 0; i < Number(count); i++) writeSync(fd, frame);
}
closeSync(fd);
