import { afterAll, beforeAll, it } from 'vitest';
import { Box } from '../support/box.js';
import { BARE_NODE, measure, ratio, row, vmnet } from './measure.js';
import { atMost, ROUNDS, report } from './report.js';

// How long the program takes to be there at all.

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

it('start-up', async () => {
  const file = await box.lab({
    name: 'small',
    bridges: { br0: { uplink: 'eth0' } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  });
  const times = await measure(
    box,
    {
      'node -e 0': { run: [BARE_NODE] },
      'vmnet --version': { run: [vmnet('--version')] },
      'vmnet validate': { run: [vmnet('validate', file)] },
    },
    { rounds: ROUNDS * 4 },
  );
  const floor = times['node -e 0'].run ?? [];
  const rows = Object.entries(times).map(([command, { run = [] }]) => row({ command }, run, floor));
  const goals = (['vmnet --version', 'vmnet validate'] as const).map(command =>
    atMost(2.5, 'times a bare node', `start-up, ${command}`, ratio(times[command].run ?? [], floor)),
  );
  report('start-up', `${ROUNDS * 4} rounds. The floor is \`node -e 0\``, rows, goals);
});
