import { afterAll, beforeAll, expect, test } from 'vitest';
import { FullKernel } from '../support/full-kernel.js';

// In a machine with a full kernel, systemd and NetworkManager: vagrant/rig/scenarios, each a script that checks for itself.

let machine: FullKernel;

beforeAll(async () => {
  machine = await FullKernel.up();
});
afterAll(() => machine?.down());

/** Run a scenario, and print what it printed. */
async function plays(name: string): Promise<void> {
  const { code, stdout } = await machine.root(`sh scenarios/${name}.sh 2>&1`);
  console.log(`── ${name}\n${stdout}`);
  expect(stdout).toMatch(/PASSED\s*$/);
  expect(code).toBe(0);
}

test('the README installs it, and so does its package', () => plays('install'));

test.each(['vlan', 'tagged-uplink', 'bond', 'networkd', 'networkmanager', 'guard', 'nested'])('%s', plays);

test('a reboot in the middle', async () => {
  await plays('reboot-before');
  await machine.reboot();
  await plays('reboot-after');
});

test('host tests of the suite', () => plays('suite'));
