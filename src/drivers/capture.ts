import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmnetError } from '../errors.js';
import { notWritable } from './files.js';
import { type CapturedFrame, pcapReader, writePcap } from './pcap.js';
import type { Trace } from './run.js';

export interface CaptureOptions {
  /** In pcap-filter(7)'s words; default: {@link SPEECH}. `ifindex` and `inbound` work, `ether` does not. */
  readonly filter?: string;
  /** Frames besides those of the filter, in the same words. */
  readonly also?: string;
  /** A condition besides, in the same words. */
  readonly only?: string;
  /** Which frames are worth their memory; default all. */
  readonly keep?: (frame: CapturedFrame) => boolean;
  /** Frames kept at most; later ones are counted only. Default 20,000. */
  readonly most?: number;
}

/** One process that sees every frame on every device of this network namespace. */
export interface Capture {
  /** So far, in order. */
  frames(): readonly CapturedFrame[];
  /** Frames that were not kept for want of room, here or in the kernel. */
  lost(): number;
  /** Stop, and return all frames, those still under way included. */
  close(): Promise<readonly CapturedFrame[]>;
}

/** Why nothing can be captured: a proof can do without. */
export interface NoCapture {
  readonly reason: string;
}

export interface Captures {
  /** Returns once tcpdump listens. */
  start(options?: CaptureOptions): Promise<Capture | NoCapture>;
  /** Write frames as a pcap file that Wireshark opens. Throws `usage`. */
  write(file: string, frames: readonly CapturedFrame[]): Promise<void>;
}

export const isCapture = (it: Capture | NoCapture): it is Capture => 'close' in it;

/** What guests say when they are spoken to, or come up. */
export const SPEECH = 'arp or icmp or icmp6 or (udp and (port 67 or port 68))';

const SNAPLEN = 256;
const MOST_FRAMES = 20_000;
const KiB_OF_BUFFER = 8192;
const PATIENCE_MS = 10_000;
/** From the device to tcpdump's ring and out of it. */
const STILL_UNDER_WAY_MS = 30;

/**
 * With us it ends: the signal at its parent's death does not survive a change of user, hence `-Z root`. A capture
 * on one device would put the device into promiscuous mode; `any` never does.
 */
export const captureArgs = (filter: string): string[] => [
  '--pdeathsig=TERM',
  'tcpdump',
  ...['-Z', 'root', '-i', 'any', '-y', 'LINUX_SLL2', '-n', '-p', '--immediate-mode', '-U'],
  ...['-B', String(KiB_OF_BUFFER), '-s', String(SNAPLEN), '-w', '-', filter],
];

export function makeCaptures(trace: Trace): Captures {
  return {
    async start({ filter = SPEECH, also, only, keep = () => true, most = MOST_FRAMES } = {}) {
      const all = also === undefined ? filter : `${filter} or ${also}`;
      const wanted = only === undefined ? all : `(${all}) and (${only})`;
      const started = performance.now();
      const child = spawn('setpriv', captureArgs(wanted), {
        env: { ...process.env, LC_ALL: 'C.UTF-8' },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const frames: CapturedFrame[] = [];
      const said = { text: '' };
      let lost = 0;
      const reader = pcapReader();
      const gone = new Promise<void>(resolve => {
        child.once('close', () => resolve());
        child.once('error', () => resolve());
      });
      const take = (chunk: Uint8Array) => {
        for (const frame of reader.push(chunk)) {
          if (!keep(frame)) continue;
          if (frames.length < most) frames.push(frame);
          else lost++;
        }
      };
      child.stdout.on('data', take);
      const reason = await listening(child, said);
      trace({
        what: `setpriv ${captureArgs(wanted).join(' ')}`,
        ms: performance.now() - started,
        outcome: reason ?? 'listening',
      });
      if (reason !== null) {
        end(child);
        await gone;
        return { reason };
      }
      let closing: Promise<readonly CapturedFrame[]> | null = null;
      const ended = async () => {
        await sleep(STILL_UNDER_WAY_MS);
        end(child);
        await gone;
        return frames;
      };
      return {
        frames: () => frames,
        lost: () => lost + droppedByKernel(said.text),
        close() {
          // A second time there is nobody left to end.
          closing ??= ended();
          return closing;
        },
      };
    },
    write: (file, frames) =>
      writeFile(file, writePcap(frames)).catch((error: Error) => {
        throw notWritable(file, error);
      }),
  };
}

/** Null once tcpdump listens, else why it does not. Throws `permission`. */
function listening(child: ChildProcess, said: { text: string }): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve('tcpdump did not begin in time'), PATIENCE_MS);
    const settle = (reason: string | null) => {
      clearTimeout(timer);
      resolve(reason);
    };
    child.stderr?.on('data', chunk => {
      said.text = (said.text + chunk).slice(-4000);
      if (/^(tcpdump: )?listening on /m.test(said.text)) settle(null);
    });
    child.once('error', error => settle(`setpriv (util-linux) cannot be started: ${error.message}`));
    child.once('close', () => {
      const complaint = said.text.trim().split('\n').at(-1) ?? '';
      if (!/permi/i.test(complaint)) return settle(why(complaint));
      clearTimeout(timer);
      reject(
        new VmnetError(
          'permission',
          `tcpdump may not capture: ${complaint}`,
          'Run vmnet as root (sudo) or with CAP_NET_RAW.',
        ),
      );
    });
  });
}

const why = (complaint: string) =>
  /^setpriv: .*No such file/.test(complaint)
    ? 'tcpdump is not installed: apt-get install tcpdump'
    : complaint || 'tcpdump ended at once';

/** tcpdump says it as it ends: `3 packets dropped by kernel`. */
export const droppedByKernel = (text: string) =>
  Number(/(\d+) packets? dropped by kernel/.exec(text)?.[1] ?? 0);

function end(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  child.once('close', () => clearTimeout(timer));
}
