import type { Reporter } from './reporter.js';

/** For programs: silent until the one document at the end, which the command line writes. */
export function jsonReporter(): Reporter {
  return {
    async stages(stages) {
      for (const stage of stages) await stage.run(() => {});
    },
    print: () => {},
    warn: () => {},
  };
}
