import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Box } from './box.js';
import { Lines } from './lines.js';

const PROGRAM = fileURLToPath(new URL('./tap-end.mjs', import.meta.url));
const PATIENCE_MS = 10_000;

/** Who sits behind a tap: sends and receives as a guest would. */
export class TapEnd {
  private constructor(readonly port: Lines) {}

  static async open(box: Box, tap: string): Promise<TapEnd> {
    const port = new Lines(box, 'host', [process.execPath, PROGRAM, tap]);
    await port.until(`attaching to ${tap}`, () => port.lines.includes('ready'));
    // The bridge learns of the carrier from a work queue.
    for (const end = Date.now() + PATIENCE_MS; ; await sleep(20)) {
      const shown = await box.run('ip', '-d', 'link', 'show', 'dev', tap);
      if (shown.includes('state forwarding') || Date.now() > end) return new TapEnd(port);
    }
  }

  send(frame: Uint8Array, count = 1): void {
    this.port.write(`${count} ${Buffer.from(frame).toString('hex')}\n`);
  }

  /** Frames so far that have these bytes. */
  heard(bytes: string | Uint8Array): number {
    const hex = Buffer.from(bytes as string).toString('hex');
    return this.port.lines.filter(line => line.includes(hex)).length;
  }

  close(): Promise<void> {
    return this.port.end();
  }
}

/** Every frame that comes in on a device of the LAN, whole, in hex. */
export class Listener {
  private constructor(readonly port: Lines) {}

  static async on(box: Box, device: string): Promise<Listener> {
    const script = `tcpdump -i ${device} -Q in -n -l --immediate-mode -s 2048 -B 8192 -t -xx & cat; kill $!; wait`;
    const port = new Lines(box, 'lan', ['sh', '-c', script]);
    await port.until('tcpdump', () => port.complaints.includes('listening on'));
    return new Listener(port);
  }

  /** Frames so far that have these bytes. */
  heard(bytes: string | Uint8Array): number {
    const hex = Buffer.from(bytes as string).toString('hex');
    return this.frames().filter(frame => frame.includes(hex)).length;
  }

  /** `\t0x0010:  0a0b 0c0d …` lines, after one without tab that says what it is. */
  frames(): string[] {
    return this.port.lines
      .map(line => (line.startsWith('\t') ? (line.split(':  ')[1] ?? '').replaceAll(' ', '') : '\n'))
      .join('')
      .split('\n')
      .filter(frame => frame !== '');
  }

  close(): Promise<void> {
    return this.port.end();
  }
}
