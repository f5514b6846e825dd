import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Box } from './box.js';

/** Every way of recovery at every moment (minutes), instead of one in turn: `npm run test:kill`. */
export const EXHAUSTIVE = process.env.VMNET_TEST_KILLS === 'all';

/** Of some ways, the one whose turn it is; or all. */
export const turn = <T>(ways: readonly T[], i: number): readonly T[] =>
  EXHAUSTIVE ? ways : ways.slice(i % ways.length, (i % ways.length) + 1);

/**
 * A moment of a run: just before its n-th system call of a kind. Killing there needs no switch in vmnet: strace(1)
 * sends the signal as the call is entered, and the kernel then does not carry it out.
 */
export interface Moment {
  readonly call: string;
  /** The file or folder it is about; counted are the calls on it. Null counts all calls of the kind. */
  readonly path: string | null;
  readonly nth: number;
  /** For people. */
  readonly title: string;
}

/** One thread for all file operations, or their order would not be the same twice. */
const ONE_BY_ONE = ['env', 'UV_THREADPOOL_SIZE=1'];

/** Follow the threads of a run, and let go of every program that it starts, above all of its guard. */
const FOLLOW = ['strace', '-f', '-b', 'execve', '-qq', '-y'];

/** Calls that change a file or folder, or make a change outlive a power cut. */
const CHANGES = ['write', 'fsync', 'rename', 'unlink', 'rmdir', 'mkdir'];

/** Command prefix of a run that is killed at a moment. */
export const killedBefore = (moment: Moment): string[] => injected(moment, 'signal=KILL', String(moment.nth));

/** Command prefix of a run whose calls of this kind fail, from a moment on. */
export const failingFrom = (moment: Moment, errno: string): string[] =>
  injected(moment, `error=${errno}`, `${moment.nth}+`);

const injected = ({ call, path }: Moment, what: string, when: string): string[] => [
  ...ONE_BY_ONE,
  ...FOLLOW,
  ...['-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:${what}:when=${when}`],
  ...(path === null ? [] : ['-P', path]),
];

/** Run vmnet once and return every moment at which it changes something below one of these folders. */
export async function momentsOf(box: Box, folders: readonly string[], ...words: string[]): Promise<Moment[]> {
  const log = join(box.folder, 'strace.log');
  const prefix = [...ONE_BY_ONE, ...FOLLOW, '-o', log, '-e', `trace=${CHANGES.join(',')}`];
  const ended = await box.vmnetIn(prefix, ...words);
  if (ended.json.error) throw new Error(`vmnet ${words.join(' ')}: ${ended.json.error.message}`);
  const text = await readFile(log, 'utf8');
  await rm(log);
  return momentsIn(text, folders);
}

/** Read strace's log: `PID  call(ARGUMENTS) = RESULT`, where `-y` shows a descriptor as `20</path>`. */
export function momentsIn(log: string, folders: readonly string[]): Moment[] {
  const counts = new Map<string, number>();
  const next = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1).get(key) ?? 0;
  const first = new Set<string>();
  return log.split('\n').flatMap((line): Moment[] => {
    const [, thread, call, args = '', failed] =
      /^(\d+) +([a-z]+)\((.*?)(?:\) += (-1)?.*| <unfinished.*)$/.exec(line) ?? [];
    const path = /^\d+<(\/[^>]*)>/.exec(args)?.[1] ?? /"(\/[^"]*)"/.exec(args)?.[1];
    if (thread === undefined || call === undefined) return [];
    const ofAll = next(`${thread} ${call}`);
    // strace counts for each thread: whichever gets there first is the one that is hit.
    const isFirst = !first.has(`${call} ${ofAll}`);
    first.add(`${call} ${ofAll}`);
    if (path === undefined || failed || !folders.some(folder => path.startsWith(folder))) return [];
    const ofPath = next(`${thread} ${call} ${path}`);
    const title = `before ${call} ${ofPath} of ${path}`;
    // The name of a file that bears a process id is another one the next time.
    if (!/\b\d+(-\d+\.(ip|nft))?$/.test(path)) return [{ call, path, nth: ofPath, title }];
    return isFirst && call !== 'write' ? [{ call, path: null, nth: ofAll, title }] : [];
  });
}
