import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Box } from '../support/box.js';

const SCRIPT = fileURLToPath(new URL('../support/power.mjs', import.meta.url));
const INDEX = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

let box: Box;

beforeAll(async () => {
  box = await Box.up();
  const vm = { boot: 'probe', nics: [{ bridge: 'br0' }] };
  const file = await box.lab({ name: 'power', bridges: { br0: {} }, vms: { web: vm, db: vm } });
  expect((await box.vmnet('provision', '--no-verify', file)).json.error).toBeNull();
});

afterAll(() => box?.down());

it('stops and starts VMs of a lab', async () => {
  expect(JSON.parse(await box.run(process.execPath, SCRIPT, INDEX, 'power', 'web'))).toEqual({
    refused: 'usage',
    stopped: [{ vm: 'web', how: 'plug pulled' }],
    again: [{ vm: 'web', how: 'stopped already' }],
    started: [
      { vm: 'web', how: 'started' },
      { vm: 'db', how: 'running already' },
    ],
  });
  const { json } = await box.vmnet('status', 'power');
  expect(json.vms.map(({ state }: { state: string }) => state)).toEqual(['running', 'running']);
});
