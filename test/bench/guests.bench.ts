import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, it } from 'vitest';
import { Box } from '../support/box.js';
import { parseDomain } from './guests/domain.js';
import { measure, row, type Way } from './measure.js';
import { ROUNDS, report } from './report.js';

// Ten guests from a network that is there to the last one's word that it is up: vmnet, the least that libvirt takes for
// the same XML, a script that makes one after the other, and virt-install, which takes no XML but can say the same.

const COUNT = Number(process.env.BENCH_GUESTS ?? 10);
const TOGETHER = fileURLToPath(new URL('guests/together.sh', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

it('start of guests', async () => {
  const vm = { boot: 'probe', nics: [{ bridge: 'br0' }] };
  const names = Array.from({ length: COUNT }, (_, i) => `vm${i}`);
  const file = await box.lab({
    name: 'start',
    bridges: { br0: { uplink: 'eth0' } },
    vms: Object.fromEntries(names.map(name => [name, vm])),
  });
  const domains = await Promise.all(
    names.map(async name => {
      const xml = await box.run(process.execPath, CLI, 'xml', file, name);
      await writeFile(`${box.folder}/start-${name}.xml`, xml);
      return parseDomain(xml);
    }),
  );
  await writeFile(`${box.folder}/guests`, domains.map(({ line }) => `${line}\n`).join(''));
  const logs = domains[0]?.logs ?? '';
  const env = ['env', `NODE=${process.execPath}`, `CLI=${CLI}`];
  const start = (how: string) => [...env, 'sh', TOGETHER, how, String(COUNT), box.folder, logs];
  const network = [process.execPath, CLI, '--quiet', 'provision', '--yes', '--network-only', file];
  const end = [
    'sh',
    '-c',
    'for name; do virsh --quiet destroy "$name"; virsh --quiet undefine "$name" 2> /dev/null || true; done > /dev/null',
    'end',
    ...names.map(name => `start-${name}`),
  ];
  const way = (how: string): Way => ({
    before: [network, ['mkdir', '-p', logs]],
    start: [start(how)],
    after: [end, [process.execPath, CLI, '--quiet', 'destroy', 'start']],
  });
  const hasVirtInstall = (await box.attempt('host', 'sh', '-c', 'command -v virt-install')).code === 0;
  if (!hasVirtInstall) console.log('virt-install is left out: it is not installed (Debian: virtinst)');
  const ways: Record<string, Way> = {
    vmnet: way('vmnet'),
    floor: way('floor'),
    'one by one, virsh': way('script'),
    ...(hasVirtInstall ? { 'one by one, virt-install': way('virt-install') } : {}),
  };
  const times = await measure(box, ways);
  const floor = times.floor?.start ?? [];
  report(
    'start of guests',
    `${COUNT} probe guests, ${ROUNDS} rounds, until the last one is up. The floor is \`virsh create\` of the same XML for all at once`,
    Object.entries(times).map(([how, { start = [] }]) => row({ way: how }, start, floor)),
  );
});
