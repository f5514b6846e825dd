import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// Where vmnet may be started from, and how large a lab may be.

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

describe('a named network namespace', () => {
  it('is a host like any other, by ip netns exec', async () => {
    const file = await box.lab({
      name: 'inside',
      bridges: { br0: { uplink: 'eth7' } },
      vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
    });
    const netns = ['ip', 'netns', 'exec', 'box'];
    await box.run('ip', 'netns', 'add', 'box');
    try {
      await box.run(...netns, 'ip', 'link', 'add', 'eth7', 'type', 'veth', 'peer', 'name', 'far7');
      expect((await box.vmnet('plan', '--network-only', file)).json.error.message).toContain('eth7');
      const inside = await box.vmnetIn(netns, 'provision', '--network-only', file);
      expect([inside.code, inside.json.error]).toEqual([0, null]);
      expect(await box.run(...netns, 'ip', '-br', 'link', 'show', 'master', 'br0')).toContain('eth7');
      expect(await box.run('ip', '-br', 'link')).not.toContain('br0');
      expect((await box.vmnetIn(netns, 'destroy', 'inside')).code).toBe(0);
      expect(await box.run(...netns, 'ip', '-br', 'link')).not.toContain('br0');
    } finally {
      await box.run('ip', 'netns', 'del', 'box');
    }
  });
});

describe('a lab of 300 taps', () => {
  it('is a no-op the second time', async () => {
    const nics = Array.from({ length: 30 }, () => ({ bridge: 'br0' }));
    const vms = Array.from({ length: 10 }, (_, i) => [`vm${i}`, { boot: 'probe', nics }]);
    const file = await box.lab({
      name: 'wide',
      bridges: { br0: { uplink: 'eth0' } },
      vms: Object.fromEntries(vms),
    });
    await box.vmnet('provision', '--network-only', file);
    expect((await box.vmnet('provision', '--network-only', file)).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'wide')).code).toBe(0);
  });
});
