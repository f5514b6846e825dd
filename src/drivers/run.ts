import { VmnetError } from '../errors.js';
import { type Ended, runQuick, type Start } from './quick.js';

/** One line of the `--debug` file: a command or call, what came back, how long it took. */
export type Trace = (entry: { what: string; detail?: string; ms: number; outcome: string }) => void;

export interface RunOptions {
  /** Fed to standard input; without it, standard input is empty. */
  readonly input?: string;
  /** Milliseconds until the program is killed; default 60,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Give the program a session of its own, so that Ctrl-C in our terminal does not reach it. */
  readonly ownSession?: boolean;
  /** Descriptors of ours that the program inherits, as 3, 4, …: a lock stays held as long as it runs. */
  readonly keepOpen?: readonly number[];
  /** Return a non-zero exit instead of throwing. */
  readonly allowFailure?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; -1 where the program was ended by a signal or the time limit. */
  readonly exitCode: number;
}

/** Run a program by name, never through a shell. Throws `command-failed`, `missing-tool` or `permission`. */
export type Run = (file: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>;

/** Debian packages of the programs that we call, for the hint when one is missing. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  tc: 'iproute2',
  genl: 'iproute2',
  nft: 'nftables',
  'ovs-vsctl': 'openvswitch-switch',
  'ovs-appctl': 'openvswitch-switch',
  ping: 'iputils-ping',
  'qemu-img': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-aarch64': 'qemu-system-arm',
  cpio: 'cpio',
  dnsmasq: 'dnsmasq-base',
  busybox: 'busybox-static',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  umount: 'mount',
  depmod: 'kmod',
  libvirtd: 'libvirt-daemon',
};

const MAX_QUOTE = 2000;

/**
 * Tools of the network plane, which a run calls one after the other and which end by themselves: started without execa,
 * whose own work takes longer than most of theirs (4 ms each time, and 15 to load it).
 */
const QUICK = new Set(['ip', 'bridge', 'tc', 'nft']);

/** Make the process runner; every call is told to `trace`. execa is loaded with the first call that needs it. */
export function makeRun(trace: Trace): Run {
  return async (file, args, options = {}) => {
    const started = performance.now();
    const start = QUICK.has(file) && !options.signal ? runQuick : runWhole;
    const ended = await start(file, args, {
      ...options,
      timeoutMs: options.timeoutMs ?? 60_000,
      env: { LC_ALL: 'C.UTF-8', ...options.env },
    });
    const { stdout, stderr, exitCode } = ended;
    trace({
      what: [file, ...args].join(' '),
      ...(options.input === undefined ? {} : { detail: options.input }),
      ms: performance.now() - started,
      outcome: `exit ${exitCode}\n${stdout}${stderr}`,
    });
    if (ended.code === 'ENOENT') throw missingTool(file, ended.cause);
    if (ended.isCanceled) throw new VmnetError('interrupted', `${file} was interrupted`);
    if (ended.timedOut) throw new VmnetError('timeout', `${file} did not end in time: ${quote(file, args)}`);
    if (exitCode !== 0 && !options.allowFailure) throw commandFailed(file, args, ended);
    return { stdout, stderr, exitCode };
  };
}

/** By execa: can be cancelled, is ended when we are, and told again where it does not heed. */
async function runWhole(file: string, args: readonly string[], options: Start & RunOptions): Promise<Ended> {
  const { execa } = await import('execa');
  const stdin = options.input === undefined ? ('ignore' as const) : ('pipe' as const);
  // execa takes any descriptor; its types know those up to 9.
  const inherited = (options.keepOpen ?? []) as 3[];
  const { stdout, stderr, exitCode, code, cause, timedOut, isCanceled } = await execa(file, args, {
    reject: false,
    stripFinalNewline: false,
    timeout: options.timeoutMs,
    maxBuffer: 256 * 1024 * 1024,
    env: options.env,
    stdio: [stdin, 'pipe', 'pipe', ...inherited],
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.ownSession ? { detached: true, cleanup: false } : {}),
    ...(options.signal ? { cancelSignal: options.signal } : {}),
  });
  return { stdout, stderr, exitCode: exitCode ?? -1, code, cause, timedOut, isCanceled };
}

function missingTool(file: string, cause: unknown): VmnetError {
  const name = PACKAGE_OF[file];
  const hint = name ? `Install it: apt-get install ${name}` : `Install ${file} and put it on the PATH.`;
  return new VmnetError('missing-tool', `the program ${file} is not installed`, hint, cause);
}

/** A failed program as an error that quotes the command and its complaint; "not permitted" becomes `permission`. */
export function commandFailed(file: string, args: readonly string[], result: RunResult): VmnetError {
  const complaint = result.stderr.trim().slice(0, MAX_QUOTE) || `exit code ${result.exitCode}`;
  if (/Operation not permitted|Permission denied|must be root/i.test(complaint)) {
    return new VmnetError(
      'permission',
      `${quote(file, args)}: ${complaint}`,
      'Run vmnet as root (sudo), or give it CAP_NET_ADMIN; inside a container, the container needs it too.',
    );
  }
  return new VmnetError('command-failed', `${quote(file, args)}: ${complaint}`);
}

function quote(file: string, args: readonly string[]): string {
  const line = [file, ...args].join(' ');
  return `\`${line.length > 200 ? `${line.slice(0, 200)}…` : line}\``;
}
