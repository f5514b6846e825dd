import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// Large labs come and go as small ones do. What they cost is in test/bench; here counts alone are asserted, never times.

let box: Box;
let before: Snapshot;

beforeEach(async () => {
  box = await Box.up();
  before = await box.snapshot();
});

afterEach(() => box?.down());

const many = <T>(count: number, name: string, value: (i: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, value(i)]));

/** Runs vmnet, which has to succeed. */
async function vmnet(...words: string[]) {
  const { json, code } = await box.vmnet(...words);
  expect([json.error, code], words.join(' ')).toEqual([null, 0]);
  return json;
}

const portsOf = async (bridge: string) =>
  JSON.parse(await box.run('ip', '-j', 'link')).filter((link: { master?: string }) => link.master === bridge)
    .length;

describe('1000 taps on two bridges, one of them with an uplink', () => {
  const nics = [{ bridge: 'br0' }, { bridge: 'br1' }];
  const LAB = {
    name: 'wide',
    bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off' }, br1: {} },
    vms: many(500, 'vm', () => ({ boot: 'probe', nics })),
  };

  it('are made, found as they should be, and gone', async () => {
    const file = await box.lab(LAB);
    await vmnet('provision', '--network-only', file);
    expect([await portsOf('br0'), await portsOf('br1')]).toEqual([501, 500]);
    expect((await vmnet('provision', '--network-only', file)).changed).toBe(0);
    expect(await box.pingFromLan('192.0.2.2')).toBe(3);
    await vmnet('destroy', 'wide');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('200 namespaces on a bridge with an uplink', () => {
  const address = (i: number) => `192.0.2.${i + 20}`;
  const LAB = {
    name: 'many',
    bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off' } },
    namespaces: many(200, 'n', i => ({ nics: [{ bridge: 'br0', address: `${address(i)}/24` }] })),
  };

  it('are made, reached from the LAN, found as they should be, and gone', async () => {
    const file = await box.lab(LAB);
    const debug = join(box.folder, 'debug');
    await vmnet('--debug', debug, 'provision', '--no-verify', file);
    const started =
      (await box.run('cat', debug)).match(/^(?:nsenter|ip|bridge|flock|start|nft|ping) .*/gm) ?? [];
    const inside = started.filter(line => line.startsWith('nsenter'));
    // One in each, and what a single one would take.
    expect([inside.length, started.length - inside.length < 25]).toEqual([200, true]);
    expect(await portsOf('br0')).toBe(201);
    expect((await vmnet('provision', '--no-verify', file)).changed).toBe(0);
    const answers = await Promise.all([0, 63, 127, 199].map(i => box.pingFromLan(address(i))));
    expect(answers).toEqual([3, 3, 3, 3]);
    await vmnet('destroy', 'many');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('more memory than there is', () => {
  const vm = (memory: string) => ({ boot: 'probe', memory, nics: [{ bridge: 'br0' }] });
  const LAB = {
    name: 'greedy',
    bridges: { br0: {} },
    vms: { ...many(98, 'vm', () => vm('64GiB')), lead: vm('512GiB'), spare: vm('128MiB') },
  };

  it('is refused before anything is made: who asks for most, how much there is, and what to do', async () => {
    const file = await box.lab(LAB);
    const needed = 98 * 64 * 1024 + 512 * 1024 + 128;
    for (const verb of ['plan', 'provision']) {
      const { json, code } = await box.vmnetAsIs(verb, file);
      expect([code, json.error]).toMatchObject([1, { code: 'conflict' }]);
      expect(json.error.message).toMatch(
        new RegExp(
          `^the 100 guests of greedy to be started would have ${needed} MiB of memory \\(lead 524288, vm0 65536, vm1 65536 and 97 more\\); this host has \\d+ MiB left`,
        ),
      );
      expect(json.error.hint).toContain('Give the VMs less "memory", end what is not needed');
    }
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
