import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmnetError } from '../errors.js';

/** A process that holds namespaces: `unshare`, whose only child is the namespaces' first process. */
export interface Holder {
  readonly pid: number;
  /** Clock ticks since boot at which it started: tells it from a later process of the same pid. */
  readonly startedAt: string;
}

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
  const deadline = Date.now() + READY_WITHIN;
  while (!said.includes('ready')) {
    if ((await Promise.race([ended, sleep(10, false)])) || Date.now() > deadline) {
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

/** Is this very process still there? */
export async function isAlive(holder: Holder): Promise<boolean> {
  return (await startTime(holder.pid)) === holder.startedAt;
}

/** End a holder and everything in its namespaces, and wait until it is gone. Twice is no error. */
export async function endHolder(holder: Holder): Promise<void> {
  if (!(await isAlive(holder))) return;
  const first = await firstProcess(holder.pid);
  for (const pid of [...(first === null ? [] : [first]), holder.pid]) kill(pid);
  const deadline = Date.now() + 10_000;
  const gone = async () => !(await isAlive(holder)) && (first === null || (await startTime(first)) === null);
  while (!(await gone()) && Date.now() < deadline) await sleep(5);
}

/** Command prefix that runs a program in a holder's namespaces. */
export const enter = ({ pid }: Holder): string[] => [
  'nsenter',
  `--mount=/proc/${pid}/ns/mnt`,
  `--net=/proc/${pid}/ns/net`,
  `--pid=/proc/${pid}/ns/pid_for_children`,
  '--',
];

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}

/** Field 22 of proc(5)'s /proc/PID/stat; null where there is no such process, or it is a zombie. */
async function startTime(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' ? null : (fields[19] ?? null);
}

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

/** This process, as the owner of a sandbox. */
export const selfAsOwner = async (): Promise<Holder> => ({
  pid: process.pid,
  startedAt: (await startTime(process.pid)) ?? '',
});
