import type { Reporter, Stage } from './reporter.js';

/** For people: a listr2 tree on a terminal, plain lines elsewhere. */
export function textReporter(out: NodeJS.WriteStream, err: NodeJS.WriteStream): Reporter {
  return {
    stages: stages => runTree(stages, out.isTTY === true),
    print: text => void out.write(`${text}\n`),
    warn: text => void err.write(`${text}\n`),
  };
}

/** listr2 only renders: signals and undo are ours, so it must not exit the process on SIGINT. */
async function runTree(stages: readonly Stage[], terminal: boolean): Promise<void> {
  const { Listr, PRESET_TIMER } = await import('listr2');
  const rendererOptions = { timer: PRESET_TIMER, collapseErrors: false, showErrorMessage: false };
  await new Listr(
    stages.map(stage => ({
      title: stage.title,
      task: async (_context: unknown, task: { output: string; title: string }) => {
        const closing = await stage.run(line => {
          task.output = line;
        });
        if (closing) task.title = `${stage.title}: ${closing}`;
      },
    })),
    terminal
      ? { renderer: 'default', registerSignalListeners: false, rendererOptions }
      : { renderer: 'simple', registerSignalListeners: false, rendererOptions },
  ).run();
}
