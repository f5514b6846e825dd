import { afterAll, beforeAll, it } from 'vitest';
import type { Action } from '../../src/plan/model.js';
import { Box } from '../support/box.js';
import { BARE_NODE, Growth, measure, type Row, row, type Times, vmnet, type Way } from './measure.js';
import { peakMegabytes } from './peak.js';
import { probeLab } from './probes.js';
import { atMost, type Goal, ROUNDS, report, sizesOf } from './report.js';

// The network plane up, looked at again, and down: vmnet, the least that the kernel's own tool takes, and a shell loop.

const SIZES = sizesOf('BENCH_SIZES', [10, 50, 250, 1000]);

/** From here on a loop of processes only takes long. */
const LOOP_UP_TO = 250;

const GROWTH_FROM = 50;

const STAGES = ['provision', 'provision, no-op', 'plan, no-op', 'destroy'];

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

const lab = (taps: number) => probeLab(box, { name: 'plane', guests: taps }, `${taps}.json`);

/** The lines of the very plan that vmnet carries out. */
async function linesOf(file: string): Promise<string[]> {
  const { json } = await box.vmnet('plan', '--network-only', file);
  const steps: { do: Action[] }[] = json.plan.phases.flatMap((phase: { steps: unknown[] }) => phase.steps);
  return steps.flatMap(step => step.do).flatMap(action => (action.kind === 'ip' ? action.lines : []));
}

const ours = (file: string): Way => ({
  provision: [vmnet('provision', '--network-only', file)],
  'provision, no-op': [vmnet('provision', '--network-only', file)],
  'plan, no-op': [vmnet('plan', '--network-only', file)],
  destroy: [vmnet('destroy', 'plane')],
});

const made = (lines: readonly string[]) =>
  lines.flatMap(line => /^(?:tuntap add dev|link add name) (\S+)/.exec(line)?.[1] ?? []);

async function floor(lines: readonly string[]): Promise<Way> {
  const names = made(lines);
  const [up, group] = [`${box.folder}/${names.length}.ip`, `${box.folder}/${names.length}.group`];
  await box.run('sh', '-c', 'printf "%s\\n" "$@" > "$0"', up, ...lines);
  await box.run(
    'sh',
    '-c',
    'printf "%s\\n" "$@" > "$0"',
    group,
    ...names.map(dev => `link set ${dev} group 7`),
  );
  const look = [BARE_NODE, ['ip', '-j', '-d', 'link', 'show']];
  return {
    provision: [BARE_NODE, ['ip', '-batch', up]],
    'provision, no-op': look,
    'plan, no-op': look,
    group: [['ip', '-batch', group]],
    destroy: [BARE_NODE, ['ip', 'link', 'del', 'group', '7']],
  };
}

const loop = (lines: readonly string[]): Way => ({
  provision: [['sh', '-ec', lines.map(line => `ip ${line}`).join('\n')]],
  destroy: [['sh', '-ec', `for dev in ${made(lines).join(' ')}; do ip link del "$dev"; done`]],
});

it('network plane', async () => {
  const rows: Row[] = [];
  const grown = new Growth(GROWTH_FROM);
  for (const taps of SIZES) {
    const file = await lab(taps);
    const lines = await linesOf(file);
    const ways: Record<string, Way> = {
      vmnet: ours(file),
      floor: await floor(lines),
      ...(taps <= LOOP_UP_TO ? { 'shell loop': loop(lines) } : {}),
    };
    const times: Record<string, Times> = await measure(box, ways);
    for (const stage of STAGES) {
      const least = times.floor?.[stage] ?? [];
      for (const [way, stages] of Object.entries(times)) {
        const ms = stages[stage];
        if (ms) rows.push(row({ stage, taps, way }, ms, least));
        if (ms) grown.add(`${stage}, ${way}`, taps, ms);
      }
    }
  }
  const order = (a: Row, b: Row) => STAGES.indexOf(String(a.stage)) - STAGES.indexOf(String(b.stage));
  report(
    'network plane',
    `${ROUNDS} rounds. The floor is a bare \`node -e 0\` and one \`ip -batch\` of the same marked links, one \`ip -j -d link\`, or one \`ip link del group\``,
    rows.toSorted(order),
    goalsOf(rows),
  );
  report(
    'growth of the network plane',
    'time grows with that power of the number of taps',
    grown.rows(),
    STAGES.map(stage =>
      atMost(1, 'as exponent', `growth of ${stage} from ${GROWTH_FROM} taps up`, grown.of(`${stage}, vmnet`)),
    ),
  );
});

function goalsOf(rows: readonly Row[]): Goal[] {
  const found = (stage: string, taps: number) =>
    rows.find(it => it.stage === stage && it.taps === taps && it.way === 'vmnet')?.['times the floor'];
  return [250, 1000].flatMap(taps =>
    ['provision', 'destroy'].map(stage =>
      atMost(
        1.5,
        'times the floor',
        `${stage} of ${taps} taps, network only`,
        Number(found(stage, taps)) || null,
      ),
    ),
  );
}

it('peak memory', async () => {
  const rows: Row[] = [];
  for (const taps of SIZES) {
    const file = await lab(taps);
    rows.push({
      taps,
      'provision, MB': await peakMegabytes(box, 'provision', '--network-only', file),
      'no-op, MB': await peakMegabytes(box, 'provision', '--network-only', file),
      'destroy, MB': await peakMegabytes(box, 'destroy', 'plane'),
    });
  }
  const worst = rows
    .filter(({ taps }) => taps === 1000)
    .flatMap(({ taps: _, ...peaks }) => Object.values(peaks));
  report('peak memory', "of vmnet's own process, network plane only", rows, [
    atMost(
      120,
      'MB',
      'peak memory with 1000 taps, network only',
      worst.length ? Math.max(...worst.map(Number)) : null,
    ),
  ]);
});
