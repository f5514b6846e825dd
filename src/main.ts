import { writeFileSync } from 'node:fs';
import type { Context, Outcome } from './commands/command.js';
import { makeDrivers } from './drivers/drivers.js';
import type { Trace } from './drivers/run.js';
import { exitCodeOf, VmnetError } from './errors.js';
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
  work: (context: Context) => Promise<Outcome>,
): Promise<number> {
  const abort = new AbortController();
  const forget = onSignals(abort);
  let drivers: Context['drivers'] | null = null;
  try {
    const trace: Trace = flags.debug ? debugTrace(flags.debug) : () => {};
    drivers = makeDrivers({ connect: flags.connect, trace }, process.env);
    const silent = flags.json || flags.quiet;
    const reporter = silent ? jsonReporter() : textReporter(process.stdout, process.stderr);
    const outcome = await work({ drivers, reporter, signal: abort.signal, json: silent ?? false });
    deliver(document(name, outcome, null), flags);
    return outcome.exitCode ?? 0;
  } catch (error) {
    deliver(document(name, {}, error), flags);
    if (!flags.json && !flags.quiet) process.stderr.write(complaint(error));
    return exitCodeOf(error);
  } finally {
    forget();
    await drivers?.close();
  }
}

/** The first signal asks the run to undo; the second says how to go on if that takes too long. */
function onSignals(abort: AbortController): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handler = () => {
    process.stderr.write(
      abort.signal.aborted
        ? '\nStill putting the host back. Should this be killed, finish with: vmnet destroy LAB\n'
        : '\nInterrupted: putting the host back, please wait.\n',
    );
    abort.abort();
  };
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

/** The one document that `--json` prints. */
function document(command: string, outcome: Outcome, error: unknown): string {
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

export const usageDocument = (message: string) =>
  document(
    '',
    {},
    new VmnetError('usage', message.replace(/^error: /, ''), 'vmnet --help lists the commands.'),
  );

function describe(error: unknown) {
  if (error instanceof VmnetError) {
    const problems = (error as { problems?: unknown }).problems;
    return { code: error.code, message: error.message, hint: error.hint, ...(problems ? { problems } : {}) };
  }
  const { message, stack } = error as Error;
  return { code: 'bug', message, hint: 'This is a bug of vmnet; please report it with the stack.', stack };
}

function deliver(text: string, flags: GlobalFlags): void {
  if (flags.jsonFile) writeFileSync(flags.jsonFile, text);
  if (flags.json) process.stdout.write(text);
}

function complaint(error: unknown): string {
  if (!(error instanceof VmnetError))
    return `vmnet: a bug: ${(error as Error).stack}\nPlease report it with the lines above.\n`;
  const hint = error.hint
    ? `${error.hint
        .split('\n')
        .map(line => `  ${line}`)
        .join('\n')}\n`
    : '';
  return `vmnet: ${error.message}\n${hint}`;
}
