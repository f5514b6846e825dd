import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmnetError } from '../errors.js';
import { isRunning, kill, type ProcessRef, startTime } from '../process.js';

/** A process that holds namespaces: `unshare`, whose only child is the namespaces' first process. */
export type Holder = ProcessRef;

/** Milliseconds; libvirtd asks QEMU what it can do before it answers. */
const READY_WITHIN = 60_000;

/**
 * Start a script as the first process of new namespaces and wait until it says `ready`. It goes on without us;
 * when it is killed, the kernel ends everything that was started in it.
 */
export async function startHolder(script: URL, args: readonly string[], what: string): Promise<Holder> {
  const child = spawn(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', script.pathname, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  let said = '';
  let complaints = '';
  child.stdout.on('data', chunk => {
    said += chunk;
  });
  child.stderr.on('data', chunk => {
    complaints += chunk;
  });
  const ended = new Promise<boolean>(resolve => {
    child.once('error', error => {
      complaints += error.message;
      resolve(true);
    });
    child.once('close', () => resolve(true));
  });
  const deadline = performance.now() + READY_WITHIN;
  while (!said.includes('ready')) {
    if ((await Promise.race([ended, sleep(10, false)])) || performance.now() > deadline) {
      if (child.pid) await endHolder({ pid: child.pid, startedAt: (await startTime(child.pid)) ?? '' });
      throw notMade(what, complaints);
    }
  }
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  const pid = child.pid ?? 0;
  return { pid, startedAt: (await startTime(pid)) ?? '' };
}

/** End a holder and everything in its namespaces, and wait until it is gone. Twice is no error. */
export async function endHolder(holder: Holder): Promise<void> {
  if (!(await isRunning(holder))) return;
  const first = await firstProcess(holder.pid);
  for (const pid of [...(first === null ? [] : [first]), holder.pid]) kill(pid);
  const deadline = performance.now() + 10_000;
  const gone = async () =>
    !(await isRunning(holder)) && (first === null || (await startTime(first)) === null);
  while (!(await gone()) && performance.now() < deadline) await sleep(5);
}

/** Command prefix that runs a program in a holder's namespaces. */
export const enter = ({ pid }: Holder): string[] => [
  'nsenter',
  `--mount=/proc/${pid}/ns/mnt`,
  `--net=/proc/${pid}/ns/net`,
  `--pid=/proc/${pid}/ns/pid_for_children`,
  '--',
];

/** unshare's only child. */
async function firstProcess(pid: number): Promise<number | null> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return Number(children.trim().split(' ')[0]) || null;
}

function notMade(what: string, complaints: string): VmnetError {
  const why = complaints.trim().split('\n').slice(-6).join('\n') || 'it did not get ready in time';
  const refused = /Operation not permitted|Permission denied/i.test(why);
  return new VmnetError(
    refused ? 'permission' : 'command-failed',
    `${what} could not be made: ${why}`,
    refused
      ? 'A sandbox needs root (sudo); inside a container, the container needs CAP_SYS_ADMIN.'
      : 'scripts/setup.sh installs what a sandbox needs (libvirtd, QEMU, iproute2).',
  );
}
