import { readFile } from 'node:fs/promises';

/** A process, told from a later one of the same pid by its start. */
export interface ProcessRef {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startedAt: string;
}

/** proc(5)'s /proc/PID/stat; empty where there is no such process. */
export const statOf = (pid: number): Promise<string> => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');

/** A field of it, from the third on, behind a name in parentheses that may hold anything. */
export const fieldIn = (stat: string, field: number): string | undefined =>
  stat.slice(stat.lastIndexOf(')') + 2).split(' ')[field - 3];

/** When it was started; null where there is no such process, or it is a zombie. */
export async function startTime(pid: number): Promise<string | null> {
  const stat = await statOf(pid);
  return fieldIn(stat, 3) === 'Z' ? null : (fieldIn(stat, 22) ?? null);
}

/** Is this very process still there? */
export async function isRunning(process: ProcessRef): Promise<boolean> {
  return (await startTime(process.pid)) === process.startedAt;
}

/** This process. */
export const self = async (): Promise<ProcessRef> => ({
  pid: process.pid,
  startedAt: (await startTime(process.pid)) ?? '',
});

/** End a process that must not go on; twice is no error. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}
