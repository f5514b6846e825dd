import { type ChildProcess, spawn } from 'node:child_process';

/** What starting a program takes; for the words, see `RunOptions`. */
export interface Start {
  readonly input?: string;
  readonly keepOpen?: readonly number[];
  readonly ownSession?: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** How a program ended, or why it did not begin. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** -1 where it was ended by a signal or the time limit, or did not begin. */
  readonly exitCode: number;
  /** The system's word where it could not be started, such as `ENOENT`. */
  readonly code?: string | undefined;
  readonly cause?: unknown;
  readonly timedOut: boolean;
  readonly isCanceled: boolean;
}

/** Run a program that ends by itself, by Node's own means. What it prints is kept whole. */
export function runQuick(file: string, args: readonly string[], options: Start): Promise<Ended> {
  const { input, keepOpen = [], ownSession = false, env, timeoutMs } = options;
  const child = spawn(file, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...keepOpen],
    env: { ...process.env, ...env },
    detached: ownSession,
  });
  child.stdin?.on('error', () => {}); // it ended before it had read everything; its exit code tells why
  child.stdin?.end(input);
  return outcomeOf(child, timeoutMs);
}

function outcomeOf(child: ChildProcess, timeoutMs: number): Promise<Ended> {
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  return new Promise(resolve => {
    const end = (exitCode: number | null, error?: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({
        stdout: stdout(),
        stderr: error ? error.message : stderr(),
        exitCode: exitCode ?? -1,
        code: error?.code,
        cause: error,
        timedOut,
        isCanceled: false,
      });
    };
    child.once('error', error => end(null, error));
    child.once('close', code => end(code));
  });
}

/** As text once all of it is there: a letter may be cut in two. */
function collect(stream: ChildProcess['stdout']): () => string {
  const parts: Buffer[] = [];
  stream?.on('data', part => parts.push(part));
  return () => Buffer.concat(parts).toString();
}
