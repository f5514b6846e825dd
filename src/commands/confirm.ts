import { confirmFrom, type Question } from '../apply/confirm.js';
import { requireHost } from '../host/require.js';
import type { Context, Outcome } from './command.js';
import { resolveName } from './resolve.js';
import { wholeSeconds } from './seconds.js';

/** Say, from another shell, that a moved uplink is to stay. */
export async function confirm(labOrFile: string, _flags: object, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const lab = await resolveName(labOrFile);
  context.about.lab = lab;
  await requireHost(drivers, 'confirm');
  await confirmFrom(lab, drivers);
  reporter.print(`${lab}: confirmed, the move stays`);
  return { lab };
}

/** `--confirm`: whom to ask, and for how long. */
export function questionOf(flag: string | undefined, { json }: Context): Question | null {
  if (flag === undefined) return null;
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true && !json;
  return {
    seconds: wholeSeconds('--confirm', flag, 5, 3600),
    listen: terminal ? pressed => onEnter(process.stdin, pressed) : null,
  };
}

/** Milliseconds in which what was typed ahead, before the question was there, is thrown away. */
const TYPED_AHEAD = 300;

/** Without echo, which would shift the tree that is being drawn; so Ctrl-C has to be passed on by hand. */
function onEnter(input: NodeJS.ReadStream, pressed: () => void): () => void {
  const since = performance.now();
  const read = (bytes: Buffer) => {
    if (bytes.includes('\x03')) process.kill(process.pid, 'SIGINT');
    else if (performance.now() - since > TYPED_AHEAD && /[\r\n]/.test(bytes.toString('latin1'))) pressed();
  };
  input.setRawMode(true);
  input.on('data', read);
  input.resume();
  return () => {
    input.off('data', read);
    input.setRawMode(false);
    input.pause();
  };
}
