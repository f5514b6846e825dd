import { afterAll, beforeAll, it } from 'vitest';
import type { Action } from '../../src/plan/model.js';
import { Box } from '../support/box.js';
import {
  BARE_NODE,
  exponent,
  measure,
  median,
  type Row,
  row,
  type Times,
  vmnet,
  type Way,
} from './measure.js';
import { ROUNDS, report } from './report.js';

// The network plane up, looked at again, and down: vmnet, the least that the kernel's own tool takes, and a shell loop.

const SIZES = (process.env.BENCH_SIZES ?? '10,50,250,1000').split(',').map(Number);

/** From here on a loop of processes only takes long. */
const LOOP_UP_TO = 250;

/** What is fixed hides how time grows where a lab is small. */
const GROWTH_FROM = 50;

const STAGES = ['provision', 'provision, no-op', 'plan, no-op', 'destroy'];

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

const lab = (taps: number) => {
  const vm = { boot: 'probe', nics: [{ bridge: 'br0' }] };
  const vms = Object.fromEntries(Array.from({ length: taps }, (_, i) => [`vm${i}`, vm]));
  return box.lab({ name: 'plane', bridges: { br0: {} }, vms }, `${taps}.json`);
};

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
  const grown = new Map<string, [number, number][]>();
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
        if (ms && taps >= GROWTH_FROM)
          grown.set(`${stage}, ${way}`, [...(grown.get(`${stage}, ${way}`) ?? []), [taps, median(ms)]]);
      }
    }
  }
  const order = (a: Row, b: Row) => STAGES.indexOf(String(a.stage)) - STAGES.indexOf(String(b.stage));
  report(
    'network plane',
    `${ROUNDS} rounds. The floor is a bare \`node -e 0\` and one \`ip -batch\` of the same marked links, one \`ip -j -d link\`, or one \`ip link del group\``,
    rows.toSorted(order),
  );
  const growth = [...grown]
    .filter(([, points]) => points.length > 1)
    .map(([what, points]) => ({
      what,
      from: GROWTH_FROM,
      to: points.at(-1)?.[0] ?? 0,
      exponent: exponent(points),
    }));
  if (growth.length > 0)
    report('growth of the network plane', 'time grows with that power of the number of taps', growth);
});

it('peak memory', async () => {
  const rows: Row[] = [];
  for (const taps of SIZES) {
    const file = await lab(taps);
    const peak = async (...words: string[]) => {
      const peakFile = `${box.folder}/peak`;
      const probe = `--import=data:text/javascript,${encodeURIComponent(
        `import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(${JSON.stringify(peakFile)},String(process.resourceUsage().maxRSS)))`,
      )}`;
      const [node = '', ...args] = vmnet(...words);
      await box.run(node, probe, ...args);
      return Math.round(Number(await box.run('cat', peakFile)) / 1024);
    };
    rows.push({
      taps,
      'provision, MB': await peak('provision', '--network-only', file),
      'no-op, MB': await peak('provision', '--network-only', file),
      'destroy, MB': await peak('destroy', 'plane'),
    });
  }
  report('peak memory', "of vmnet's own process, network plane only", rows);
});
