import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fieldIn, isRunning, kill, type ProcessRef, startTime, statOf } from '../process.js';
import type { Trace } from './run.js';

/** A program that runs in our network namespace. */
export interface Process extends ProcessRef {
  /** What the kernel calls it: at most 15 bytes of its file's name. */
  readonly comm: string;
  /** Its argv; a program may have put a title there instead. */
  readonly argv: readonly string[];
  readonly session: number;
  /** Runs as root, and as nobody else. */
  readonly root: boolean;
  /** Stands still: signal(7)'s SIGSTOP. */
  readonly frozen: boolean;
}

/** Programs that go on without us. */
export interface Processes {
  /** Those of these names in our network namespace. */
  named(comms: readonly string[]): Promise<readonly Process[]>;
  /** Let them stand still, or go on. */
  freeze(processes: readonly ProcessRef[], still: boolean): Promise<void>;
  /** End them at once, and return when they are gone: none can run a hook or say goodbye to anybody. */
  end(processes: readonly ProcessRef[]): Promise<void>;
  /**
   * Start a program that outlives us, in a session of its own and with none of our descriptors; where systemd may be
   * asked, in a scope of its own, so that the end of our login session or unit does not end it.
   */
  start(argv: readonly string[]): Promise<Started>;
  /** Indices of the interfaces that somebody in our network namespace listens to by packet(7). */
  listenedTo(): Promise<readonly number[]>;
}

/** A program that was started. */
export interface Started {
  /** What it has written since to standard output and error; its descendants included. */
  output(): string;
  /** Exit code of the process that was started; null as long as it runs. A daemon's first process ends early. */
  exitCode(): number | null;
  /** Listen no more: what it writes from now on is lost, and nothing of it is kept open. Twice is no error. */
  forget(): void;
}

export function makeProcesses(trace: Trace, hasSystemd: () => Promise<boolean>): Processes {
  return {
    named,
    async freeze(processes, still) {
      for (const { pid } of processes) signal(pid, still ? 'SIGSTOP' : 'SIGCONT');
      // The signal is under way for a moment.
      const deadline = performance.now() + 1_000;
      for (const { pid } of processes)
        while ((await standsStill(pid)) !== still && performance.now() < deadline) await sleep(1);
    },
    async end(processes) {
      // By now, the pid may be another's.
      for (const process of processes) if (await isRunning(process)) kill(process.pid);
      const deadline = performance.now() + 5_000;
      for (const process of processes)
        while ((await isRunning(process)) && performance.now() < deadline) await sleep(5);
    },
    async start(argv) {
      const scope = (await hasSystemd()) ? ['systemd-run', '--quiet', '--scope', '--collect', '--'] : [];
      trace({ what: `start ${argv.join(' ')}`, ms: 0, outcome: 'in a session of its own' });
      return launch([...scope, ...argv]);
    },
    async listenedTo() {
      return packetSockets(await readFile('/proc/self/net/packet', 'utf8').catch(() => ''));
    },
  };
}

/** Does it stand still? */
async function standsStill(pid: number): Promise<boolean> {
  return fieldIn(await statOf(pid), 3) === 'T';
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone
  }
}

let serial = 0;

function launch(argv: readonly string[]): Started {
  const [file = '', ...args] = argv;
  // A file and no pipe: a daemon may write when we are gone. It loses its name before anything is in it.
  const path = join(tmpdir(), `vmnet-${process.pid}-${serial++}`);
  const fd = openSync(path, 'ax+', 0o600);
  rmSync(path);
  const { PATH = '', VMNET_TEST_RUN } = process.env;
  const child = spawn(file, args, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', fd, fd],
    // Nothing of the user's: as an init would start it.
    env: { PATH, ...(VMNET_TEST_RUN ? { VMNET_TEST_RUN } : {}) },
  });
  let code: number | null = null;
  let complaint = '';
  child.once('exit', exit => {
    code = exit ?? -1;
  });
  child.once('error', error => {
    code = -1;
    complaint = error.message;
  });
  child.unref();
  const written = () => complaint + readFileSync(`/proc/self/fd/${fd}`, 'utf8');
  let last: string | null = null;
  return {
    output: () => last ?? written(),
    exitCode: () => code,
    forget() {
      if (last !== null) return;
      last = written();
      closeSync(fd);
    },
  };
}

async function named(comms: readonly string[]): Promise<Process[]> {
  const ours = await readlink('/proc/self/ns/net');
  const pids = (await readdir('/proc')).map(Number).filter(pid => pid > 0);
  const found = await Promise.all(
    pids.map(async pid => {
      const comm = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      if (!comms.includes(comm)) return null;
      const text = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const [netns, cmdline, stat, status, startedAt] = await Promise.all([
        readlink(`/proc/${pid}/ns/net`).catch(() => null),
        text('cmdline'),
        statOf(pid),
        text('status'),
        startTime(pid),
      ]);
      if (netns !== ours || startedAt === null) return null;
      const root = /^Uid:\s+0\s+0\s+0\s+0$/m.test(status);
      const frozen = fieldIn(stat, 3) === 'T';
      const session = Number(fieldIn(stat, 6));
      return { pid, startedAt, comm, argv: splitArgv(cmdline), session, root, frozen };
    }),
  );
  return found.filter(process => process !== null);
}

/** /proc/PID/cmdline: words that each end with a NUL; behind a title there may be what is left of the words before. */
export const splitArgv = (cmdline: string): string[] =>
  (cmdline.endsWith('\0') ? cmdline.slice(0, -1) : cmdline).split('\0');

/** The Iface column of /proc/net/packet, whose first line is a heading; 0 is every interface. */
export const packetSockets = (text: string): number[] =>
  text
    .split('\n')
    .slice(1)
    .map(line => Number(line.trim().split(/\s+/)[4]))
    .filter(index => index > 0);
