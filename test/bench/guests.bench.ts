import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, it } from 'vitest';
import { Box } from '../support/box.js';
import { vagrantOn } from '../support/vagrant.js';
import { describedIn } from './guests/domain.js';
import { vagrantUp } from './guests/vagrant.js';
import { Growth, measure, type Row, ratio, row, type Times, type Way } from './measure.js';
import { domainsOf, logOf, probeLab } from './probes.js';
import { atLeast, atMost, FEW_ROUNDS, type Goal, report, sizesOf } from './report.js';

// Guests from a network that is there to the last one's word that it is up: vmnet, the least that libvirt takes for the
// same XML, a script that makes one after the other, virt-install, which takes no XML but can say the same, and Vagrant
// without vmnet, whose machines have another box and are up when they can be logged in to.

const COUNTS = sizesOf('BENCH_GUESTS', [1, 5, 10, 20]);

/** From here on, one after the other only takes long. */
const SLOW_UP_TO = 10;
const GROWTH_FROM = 5;

/** The count that goals are about. */
const AIMED_AT = 10;

const TOGETHER = fileURLToPath(new URL('guests/together.sh', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const VIRSH = 'one by one, virsh';
const VIRT_INSTALL = 'one by one, virt-install';
const VAGRANT = 'vagrant-libvirt alone';

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

/** Describe a lab of so many guests in a folder of its own, as together.sh wants it. */
async function wayOf(count: number): Promise<(how: string) => Way> {
  const folder = `${box.folder}/${count}`;
  await mkdir(folder);
  const file = await probeLab(box, { name: 'start', guests: count, uplink: 'eth0' }, `${count}/lab.json`);
  const domains = await domainsOf(box, file);
  await Promise.all(domains.map(({ name, xml }) => writeFile(`${folder}/start-${name}.xml`, xml)));
  await writeFile(`${folder}/guests`, domains.map(({ xml }) => `${describedIn(xml)}\n`).join(''));
  const logs = dirname(logOf(domains[0]?.xml ?? ''));
  const vmnet = [process.execPath, CLI, '--quiet'];
  const end =
    'for name; do virsh --quiet destroy "$name"; virsh --quiet undefine "$name" 2> /dev/null || true; done > /dev/null';
  return how => ({
    before: [
      [...vmnet, 'provision', '--yes', '--network-only', file],
      ['mkdir', '-p', logs],
    ],
    start: [
      ['env', `NODE=${process.execPath}`, `CLI=${CLI}`, 'sh', TOGETHER, how, String(count), folder, logs],
    ],
    after: [
      ['sh', '-c', end, 'end', ...domains.map(({ name }) => `start-${name}`)],
      [...vmnet, 'destroy', 'start'],
    ],
  });
}

/** Which peers this machine lacks, by the names of Debian's packages. */
async function missing(): Promise<string[]> {
  const virtInstall = await box.attempt('host', 'sh', '-c', 'command -v virt-install');
  const plugins = await vagrantOn(box, [], 'plugin', 'list');
  return [
    ...(virtInstall.code === 0 ? [] : ['virtinst']),
    ...(plugins.stdout.includes('vagrant-libvirt') ? [] : ['vagrant-libvirt']),
  ];
}

/** Milliseconds by way and count. */
type Found = Map<string, Map<number, readonly number[]>>;

function note(found: Found, count: number, times: Readonly<Record<string, Times>>): void {
  for (const [way, { start = [] }] of Object.entries(times))
    found.set(way, new Map([...(found.get(way) ?? []), [count, start]]));
}

it('start of guests', async () => {
  const found: Found = new Map();
  const lacking = await missing();
  for (const count of COUNTS) {
    const way = await wayOf(count);
    const quick = { vmnet: way('vmnet'), floor: way('floor') };
    note(found, count, await measure(box, quick, { rounds: FEW_ROUNDS, warmUp: count === COUNTS[0] }));
    if (count > SLOW_UP_TO) continue;
    const slow: Record<string, Way> = {
      [VIRSH]: way('script'),
      ...(lacking.includes('virtinst') ? {} : { [VIRT_INSTALL]: way('virt-install') }),
    };
    note(found, count, await measure(box, slow, { rounds: 1, warmUp: false }));
  }
  if (!lacking.includes('vagrant-libvirt')) {
    await box.down();
    const took = await vagrantUp(COUNTS.filter(count => count <= SLOW_UP_TO));
    for (const [count, ms] of took) note(found, count, { [VAGRANT]: { start: [ms] } });
  }
  const grown = new Growth(GROWTH_FROM);
  for (const [way, counts] of found) for (const [count, ms] of counts) grown.add(way, count, ms);
  report(
    'start of guests',
    `${FEW_ROUNDS} rounds of vmnet and of the floor, one of the others, until the last guest is up. The floor is \`virsh create\` of the same XML for all at once. Vagrant's machines are of another box (busybox with an SSH server), each with a card for Vagrant and one on a bridge, and are up when Vagrant has logged in${lacking.map(what => `. Left out, since it is not installed: ${what}`).join('')}`,
    rowsOf(found),
    goalsOf(found, grown),
  );
  report('growth of the start of guests', 'time grows with that power of their number', grown.rows());
});

const rowsOf = (found: Found): Row[] =>
  COUNTS.flatMap(guests =>
    [...found].flatMap(([way, counts]) => {
      const ms = counts.get(guests);
      return ms ? [row({ guests, way }, ms, found.get('floor')?.get(guests) ?? [])] : [];
    }),
  );

function goalsOf(found: Found, grown: Growth): Goal[] {
  const ms = (way: string) => found.get(way)?.get(AIMED_AT);
  const against = (way: string, other: string) => {
    const [those, others] = [ms(way), ms(other)];
    return those && others ? ratio(those, others) : null;
  };
  const what = `start of ${AIMED_AT} guests`;
  return [
    atMost(1.1, 'times the floor', what, against('vmnet', 'floor')),
    atLeast(3, 'times as fast as virt-install', what, against(VIRT_INSTALL, 'vmnet')),
    atLeast(3, 'times as fast as vagrant-libvirt', what, against(VAGRANT, 'vmnet')),
    atMost(1, 'as exponent', `growth of a start from ${GROWTH_FROM} guests up`, grown.of('vmnet')),
  ];
}
