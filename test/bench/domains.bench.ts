import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { MARK_NAMESPACE } from '../../src/lab/names.js';
import { Box } from '../support/box.js';
import { BARE_NODE, Growth, measure, type Row, row, type Times, vmnet, type Way } from './measure.js';
import { peakMegabytes } from './peak.js';
import { type Domain, domainsOf, makeLogs, probeLab } from './probes.js';
import { atMost, FEW_ROUNDS, type Goal, report, sizesOf } from './report.js';

// A lab whose VMs libvirt knows, looked at again. VMs that are off would be started by a provision, so what is measured
// with a thousand of them is the plan: all of a no-op, and one step to start each. Where they are there, held before their
// first instruction, it is the no-op itself; each of them takes libvirt a third of a second, and 30 MB.

const SIZES = sizesOf('BENCH_DOMAINS', [100, 1000]);
const HELD_UP_TO = 100;
const GROWTH_FROM = 50;
const OFF = 'plan, all off';

let box: Box;

afterEach(() => box?.down());

interface Defined {
  readonly file: string;
  readonly domains: readonly Domain[];
}

/** Have the network plane of a lab and all its domains, none of which runs. */
async function define(size: number): Promise<Defined> {
  const file = await probeLab(box, { name: 'many', guests: size });
  await box.run(...vmnet('provision', '--yes', '--network-only', file));
  const domains = await domainsOf(box, file);
  const pathOf = ({ name }: Domain) => join(box.folder, `${name}.xml`);
  await Promise.all(domains.map(domain => writeFile(pathOf(domain), domain.xml)));
  await virsh(domains.map(domain => `define ${pathOf(domain)}`));
  expect(await stepsOf(file)).toBe(size);
  return { file, domains };
}

/** How many steps a plan of the lab has, so that what is measured is what it is said to be. */
async function stepsOf(file: string): Promise<number> {
  const { json } = await box.vmnet('plan', '--yes', file);
  return json.plan.phases.flatMap(({ steps }: { steps: unknown[] }) => steps).length;
}

/** Start domains with their processors held, which is to run for libvirt. */
async function hold({ file, domains }: Defined): Promise<void> {
  await makeLogs(box, domains[0]?.xml ?? '');
  await virsh(domains.map(({ name }) => `start --paused many-${name}`));
  expect(await stepsOf(file)).toBe(0);
}

const virsh = async (lines: readonly string[]) => box.run(...(await inOneVirsh('virsh', lines)));

/** A command by which one virsh does all of this: a line that fails is not lost, but printed. */
async function inOneVirsh(name: string, lines: readonly string[]): Promise<string[]> {
  const script = join(box.folder, name);
  await writeFile(script, `${lines.join('\n')}\n`);
  return [
    'sh',
    '-c',
    'if ! errors=$(virsh --quiet < "$0" 2>&1 > /dev/null) || [ -n "$errors" ]; then echo "$errors" >&2; exit 1; fi',
    script,
  ];
}

/** The least by which the stages could look at the host; and with what libvirt takes to hand over each domain's mark. */
async function floors(stages: readonly string[], { domains }: Defined): Promise<Record<string, Way>> {
  const look = [BARE_NODE, ['ip', '-j', '-d', 'link', 'show'], ['virsh', 'list', '--all']];
  const marks = await inOneVirsh('marks', [
    'list --all',
    ...domains.map(({ name }) => `metadata many-${name} ${MARK_NAMESPACE}`),
  ]);
  const each = (commands: Way[string]) => Object.fromEntries(stages.map(stage => [stage, commands]));
  return { floor: each(look), 'floor, and each mark': each([...look.slice(0, 2), marks]) };
}

it('no-op on VMs that are defined', async () => {
  const rows: Row[] = [];
  const peaks: Row[] = [];
  const grown = new Growth(GROWTH_FROM);
  for (const size of SIZES) {
    box = await Box.up();
    const defined = await define(size);
    await measureStages(size, defined, { [OFF]: [vmnet('plan', '--yes', defined.file)] }, rows, grown);
    const off = await peakMegabytes(box, 'plan', '--yes', defined.file);
    if (size <= HELD_UP_TO) {
      await hold(defined);
      const stages = {
        'provision, no-op': [vmnet('provision', '--no-verify', defined.file)],
        'plan, no-op': [vmnet('plan', defined.file)],
      };
      await measureStages(size, defined, stages, rows, grown);
    }
    peaks.push({ VMs: size, 'plan, MB': off, 'destroy, MB': await peakMegabytes(box, 'destroy', 'many') });
    await box.down();
  }
  report(
    'VMs that are defined',
    `${FEW_ROUNDS} rounds. The floor is a bare \`node -e 0\`, one \`ip -j -d link\` and one \`virsh list --all\`, which has names and states, but not the marks by which vmnet tells whose a domain is and whether it is up to date: libvirt hands those over one by one. With all VMs off it is \`plan\`, which has a step to start each, since \`provision\` would do so; the no-op proper is measured on up to ${HELD_UP_TO} VMs that are started and held`,
    rows,
    goalsOf(rows, peaks),
  );
  report('growth with VMs that are defined', 'time grows with that power of their number', grown.rows(), [
    atMost(
      1,
      'as exponent',
      `growth of a plan from ${GROWTH_FROM} defined VMs up`,
      grown.of(`${OFF}, vmnet`),
    ),
  ]);
  report('peak memory with VMs that are defined', "of vmnet's own process", peaks);
});

/** Measure vmnet's stages and their floors, and add what they took to rows and growth. */
async function measureStages(
  size: number,
  defined: Defined,
  ours: Way,
  rows: Row[],
  grown: Growth,
): Promise<void> {
  const stages = Object.keys(ours);
  const ways: Record<string, Way> = { vmnet: ours, ...(await floors(stages, defined)) };
  const times: Record<string, Times> = await measure(box, ways, { rounds: FEW_ROUNDS });
  for (const stage of stages)
    for (const [way, { [stage]: ms = [] }] of Object.entries(times)) {
      rows.push(row({ stage, VMs: size, way }, ms, times.floor?.[stage] ?? []));
      grown.add(`${stage}, ${way}`, size, ms);
    }
}

function goalsOf(rows: readonly Row[], peaks: readonly Row[]): Goal[] {
  const figure = (found: Row | undefined, column: string) => (found ? Number(found[column]) : null);
  const ours = (stage: string, size: number) =>
    rows.find(it => it.stage === stage && it.VMs === size && it.way === 'vmnet');
  const most = peaks.find(({ VMs }) => VMs === 1000);
  return [
    atMost(
      3,
      'times the floor',
      'plan on 1000 VMs that are defined',
      figure(ours(OFF, 1000), 'times the floor'),
    ),
    atMost(
      3,
      'times the floor',
      'no-op provision on 100 VMs',
      figure(ours('provision, no-op', 100), 'times the floor'),
    ),
    atMost(120, 'MB', 'peak memory of plan with 1000 VMs', figure(most, 'plan, MB')),
    atMost(120, 'MB', 'peak memory of destroy with 1000 VMs', figure(most, 'destroy, MB')),
  ];
}
