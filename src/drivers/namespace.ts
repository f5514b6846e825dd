import { type ChildProcess, spawn } from 'node:child_process';
import { VmnetError } from '../errors.js';

/**
 * A network namespace without a name: held by a `cat` that reads our pipe, so that it and every link in it are
 * gone as soon as we are, however we end.
 */
export interface ThrowAwayNamespace {
  /** Process id of its holder, for `ip link set … netns PID`. */
  readonly pid: number;
  /** Command prefix that runs a program inside. */
  readonly enter: readonly string[];
  close(): Promise<void>;
}

export async function makeNamespace(): Promise<ThrowAwayNamespace> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const gone = new Promise<void>(resolve => child.once('close', () => resolve()));
  child.stdin.on('error', () => {});
  await ready(child);
  const pid = child.pid ?? 0;
  return {
    pid,
    enter: ['nsenter', '--target', String(pid), '--net', '--'],
    async close() {
      child.stdin.end();
      await gone;
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let complaints = '';
    child.stderr?.on('data', chunk => {
      complaints += chunk;
    });
    child.stdout?.once('data', () => resolve());
    child.once('error', error => reject(refused(error.message)));
    child.once('close', () => reject(refused(complaints.trim())));
  });
}

const refused = (why: string) =>
  new VmnetError(
    'permission',
    `a network namespace could not be made: ${why || 'unshare ended at once'}`,
    'Run vmnet as root (sudo); inside a container, the container needs CAP_SYS_ADMIN.',
  );
