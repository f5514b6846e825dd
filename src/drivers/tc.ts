import { batchFailed, type IpJson, parseDocuments } from './iproute2.js';
import type { Run } from './run.js';
import type { RunScript } from './scripts.js';

/** Where a device can have filters. */
export interface FilterPlace {
  readonly dev: string;
  readonly at: 'ingress' | 'egress' | 'root';
}

/** Traffic control. Where tc is not installed nothing is there. */
export interface TrafficControl {
  /** Queueing disciplines of all devices: one process. */
  qdiscs(): Promise<readonly IpJson[]>;
  /** Filters of each place, in their order, up to one whose device has just gone: one process. */
  filters(places: readonly FilterPlace[]): Promise<readonly (readonly IpJson[])[]>;
  /**
   * Run all lines as one `tc -batch`; with `force`, go on after a failing one. Throws `command-failed` that quotes
   * the line it stopped at.
   */
  batch(lines: readonly string[], options?: { readonly force?: boolean }): Promise<void>;
}

export function makeTrafficControl(run: Run, runScript: RunScript): TrafficControl {
  const documents = (args: readonly string[], input = '') =>
    run('tc', ['-j', ...args], { input, allowFailure: true }).then(
      ({ stdout }) => parseDocuments(stdout),
      () => [], // not installed, or no JSON
    );
  return {
    qdiscs: async () => (await documents(['qdisc', 'show']))[0] ?? [],
    filters: async places => (places.length > 0 ? documents(['-batch', '-'], filterLines(places)) : []),
    async batch(lines, { force = false } = {}) {
      if (lines.length === 0) return;
      const args = [...(force ? ['-force'] : []), '-batch'];
      const result = await runScript('tc', args, `${lines.join('\n')}\n`, { undoing: force });
      if (result.exitCode !== 0 && !force) throw batchFailed(lines, result.stderr, 'tc');
    },
  };
}

/** One array is printed a line, an empty one as well. */
export const filterLines = (places: readonly FilterPlace[]): string =>
  places.map(({ dev, at }) => `filter show dev ${dev}${at === 'root' ? '' : ` ${at}`}\n`).join('');
