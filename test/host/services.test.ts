import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// DHCP and DNS on bridges of a lab's own, by a dnsmasq each; and the subnets that vmnet chooses for them.

let box: Box;
let before: Snapshot;

beforeEach(async () => {
  box = await Box.up();
  before = await box.snapshot();
});

afterEach(() => box?.down());

const provision = (file: string, ...flags: string[]) =>
  box.vmnetAsIs('provision', '--network-only', ...flags, file);

describe('a lab with NAT', () => {
  it('debug', async () => {
    const file = await box.lab({
      name: 'nat',
      bridges: { br1: { mode: 'nat' } },
      vms: { web: { boot: 'probe', nics: [{ bridge: 'br1' }] } },
    });
    const first = await provision(file);
    console.log(first.stdout, first.stderr);
    console.log(await box.run('ip', '-br', 'addr'));
    console.log(await box.run('sh', '-c', 'ps aux | grep dnsmasq; find /run/vmnet-state; cat /run/vmnet-state/services/nat/*; ss -lunp'));
    const second = await provision(file);
    console.log(second.stdout);
    const d = await box.vmnet('destroy', 'nat');
    console.log(d.stdout, d.stderr);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
