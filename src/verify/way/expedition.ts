import type { CapturedFrame } from '../../drivers/pcap.js';
import type { HostState } from '../../host/model.js';
import type { Stimulus } from '../stimulus.js';
import type { Target } from '../targets.js';
import { parseWay, type WayCounts, wayScript } from './counters.js';
import { makeRunner } from './errands.js';
import { type Trail, wayOf } from './evidence.js';
import type { WayOut } from './model.js';
import { type Outing, outingsFor } from './outings.js';

/** Everything that is done to see what leads out of bridges that are no plain switches. */
export interface Expedition {
  /** Counters, as commands of nft. */
  readonly script: readonly string[];
  /** Addresses outside that errands go to. */
  readonly aims: ReadonlySet<string>;
  /** Ask, and look, until all has been seen that is to be seen. */
  run(stimulus: Stimulus, sets: () => Promise<readonly Record<string, unknown>[]>): Promise<void>;
  /** What was seen of one NIC. */
  report(
    sets: readonly Record<string, unknown>[],
    frames: readonly CapturedFrame[] | null,
    ours: ReadonlySet<string>,
  ): (target: Target) => WayOut | null;
}

/** How often what was not seen is asked for again. */
const ROUNDS = 3;

/** Null where every bridge is meant to be a plain switch: then nothing of this is done. */
export function prepare(targets: readonly Target[], host: HostState, table: string): Expedition | null {
  const outings = outingsFor(targets, host);
  if (outings.length === 0) return null;
  const errands = outings.flatMap(({ errands: all }) => all);
  const aims = errands.flatMap(plan => plan.aims.addresses);
  let runner: Trail['runner'] = { of: () => undefined };
  return {
    aims: new Set(aims),
    script: [
      wayScript(table, {
        bridges: [...new Set(outings.map(({ bridge }) => bridge))],
        own: [...new Set(outings.map(({ link }) => link.mac))],
        guests: outings.flatMap(it => it.targets.map(({ tap, nic }) => ({ tap, mac: nic.mac }))),
        envoys: errands.map(({ mac }) => mac),
        sealed: outings.flatMap(it => (it.intent === 'isolated' ? it.errands.map(({ mac }) => mac) : [])),
        // Where only a leak is looked for, nothing gets as far as that.
        aims: outings.flatMap(it =>
          it.intent === 'isolated' ? [] : it.errands.flatMap(plan => plan.aims.addresses),
        ),
        askers: errands.map(({ asker }) => asker),
      }),
    ],
    async run(stimulus, sets) {
      const busy = makeRunner(stimulus, host);
      runner = busy;
      let waiting: readonly Outing[] = outings;
      for (let round = 0; round < ROUNDS && waiting.length > 0; round++) {
        await busy.run(waiting);
        const counts = parseWay(table, await sets());
        waiting = waiting.filter(outing => !allSeen(outing, counts));
      }
    },
    report(sets, frames, ours) {
      const trail = { outings, counts: parseWay(table, sets), runner, frames, host, ours };
      return target => wayOf(target, trail);
    },
  };
}

/** Of an isolated bridge that we were there; of the others that everything has come as far as it can. */
function allSeen({ intent, errands, targets }: Outing, counts: WayCounts): boolean {
  const tried = errands.every(({ mac }) => counts.get('errand_entered', mac) > 0);
  if (intent === 'isolated') return tried;
  const out = errands.every(({ mac, decides }) => !decides || counts.of('gone', mac).length > 0);
  return out && targets.every(({ nic }) => counts.get('host_input', nic.mac) > 0);
}
