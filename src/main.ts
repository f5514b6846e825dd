import { setMaxListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Context, Outcome } from './commands/command.js';
import { makeDrivers } from './drivers/drivers.js';
import type { Trace } from './drivers/run.js';
import { exitCodeOf, VmnetError } from './errors.js';
import { printable, quotePath } from './lab/quote.js';
import { debugTrace } from './report/debug.js';
import { jsonReporter } from './report/json.js';
import { textReporter } from './report/text.js';

export interface GlobalFlags {
  readonly json?: boolean;
  readonly jsonFile?: string;
  readonly debug?: string;
  readonly connect?: string;
  readonly quiet?: boolean;
}

/** Run one command from flags to exit code: hands it its drivers, reports what it leaves, never throws. */
export async function runCommand(
  name: string,
  flags: GlobalFlags,
  work: (context: Context) => Promise<Outcome<unknown>>,
): Promise<number> {
  const abort = new AbortController();
  // As many listen as guests are waited for.
  setMaxListeners(0, abort.signal);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', onOutputError);
  const about: Context['about'] = { lab: null };
  const forget = onSignals(abort, name, about);
  let drivers: Context['drivers'] | null = null;
  try {
    const trace: Trace = flags.debug === undefined ? () => {} : debugTrace(flags.debug);
    if (flags.jsonFile !== undefined) writeReport(flags.jsonFile, '');
    drivers = makeDrivers({ connect: flags.connect, trace }, process.env);
    const silent = flags.json || flags.quiet;
    const reporter = silent ? jsonReporter() : textReporter(process.stdout, process.stderr);
    const outcome = await work({ drivers, reporter, signal: abort.signal, json: silent ?? false, about });
    deliver(() => document(name, { lab: about.lab, ...outcome }, null), flags);
    return outcome.exitCode ?? 0;
  } catch (error) {
    return failed(name, about.lab, error, flags);
  } finally {
    forget();
    await drivers?.close();
  }
}

/** Tell of a failure in the way that was asked for; returns the exit code. */
export function failed(name: string, lab: string | null, error: unknown, flags: GlobalFlags): number {
  try {
    deliver(() => document(name, { lab }, error), flags);
  } catch {
    // The report cannot be written; that is what the error says, or the lesser evil.
  }
  if (!flags.json && !flags.quiet) process.stderr.write(complaint(error));
  return exitCodeOf(error);
}

/** A reader that went away, as `head` or a lost terminal does, must not end a run half-way. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || error.code === 'EIO') return;
  process.once('exit', code => {
    if (code === 0) process.exitCode = 1;
  });
}

/** What finishes a verb that was killed while it put things right. */
const FINISH: Readonly<Record<string, string>> = {
  provision: 'recover',
  boot: 'recover',
  start: 'recover',
  restart: 'recover',
  recover: 'recover',
  destroy: 'destroy',
};

const PUTTING_BACK = 'putting the host back';

/** What a verb does on a signal; those that change nothing just stop. */
const DOING: Readonly<Record<string, string>> = {
  provision: PUTTING_BACK,
  boot: PUTTING_BACK,
  start: PUTTING_BACK,
  restart: PUTTING_BACK,
  recover: PUTTING_BACK,
  guard: PUTTING_BACK,
  destroy: 'stopping at the next step',
  rehearse: 'taking the throw-away host down',
  trace: 'ending the trace',
};

/** Verbs that run a command of the user's in our place. */
const FOREGROUND = ['exec', 'ssh', 'console'];

/** The first signal asks the run to stop, and to undo what it has begun; the second says how to go on if that takes too long. */
function onSignals(abort: AbortController, command: string, about: Context['about']): () => void {
  const doing = DOING[command] ?? 'stopping';
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handler = () => {
    // The command that was run has heard it as well, and its end is ours.
    if (FOREGROUND.includes(command)) return;
    const finish = FINISH[command];
    const how = finish ? ` Should this be killed, finish with: vmnet ${finish} ${about.lab ?? 'LAB'}` : '';
    process.stderr.write(
      abort.signal.aborted ? `\nStill ${doing}.${how}\n` : `\nInterrupted: ${doing}, please wait.\n`,
    );
    abort.abort();
  };
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

/** The one document that `--json` prints. */
function document(command: string, outcome: Outcome<unknown>, error: unknown): string {
  const exitCode = error ? exitCodeOf(error) : (outcome.exitCode ?? 0);
  return `${JSON.stringify(
    {
      ok: exitCode === 0,
      command,
      lab: outcome.lab ?? null,
      changed: outcome.steps?.length ?? 0,
      steps: outcome.steps ?? [],
      checks: outcome.checks ?? [],
      ...outcome.more,
      error: error ? describe(error) : null,
    },
    null,
    2,
  )}\n`;
}

function describe(error: unknown) {
  if (error instanceof VmnetError) {
    const problems = (error as { problems?: unknown }).problems;
    return { code: error.code, message: error.message, hint: error.hint, ...(problems ? { problems } : {}) };
  }
  const { message, stack } = error as Error;
  return { code: 'bug', message, hint: 'This is a bug of vmnet; please report it with the stack.', stack };
}

/** The document is made where somebody wants it: that of a large lab takes milliseconds. */
function deliver(make: () => string, flags: GlobalFlags): void {
  if (flags.jsonFile === undefined && !flags.json) return;
  const text = make();
  if (flags.jsonFile !== undefined) writeReport(flags.jsonFile, text);
  if (flags.json) process.stdout.write(text);
}

function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const hint = 'Name a file in a folder that you may write to.';
    throw new VmnetError(
      'usage',
      `--json-file: ${quotePath(file)} cannot be written: ${(error as Error).message}`,
      hint,
      error,
    );
  }
}

/** Messages quote what users and tools said: nothing of it reaches the terminal raw. */
function complaint(error: unknown): string {
  if (!(error instanceof VmnetError))
    return `vmnet: a bug: ${(error as Error).stack}\nPlease report it with the lines above.\n`;
  const hint = error.hint
    ? `${error.hint
        .split('\n')
        .map(line => `  ${line}`)
        .join('\n')}\n`
    : '';
  return `vmnet: ${error.message}\n${hint}`.split('\n').map(printable).join('\n');
}
