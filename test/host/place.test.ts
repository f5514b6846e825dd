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
  const lab = (vms: number) => {
    const nics = Array.from({ length: 30 }, () => ({ bridge: 'br0' }));
    const list = Array.from({ length: vms }, (_, i) => [`vm${i}`, { boot: 'probe', nics }]);
    return box.lab(
      { name: 'wide', bridges: { br0: { uplink: 'eth0' } }, vms: Object.fromEntries(list) },
      `${vms}.json`,
    );
  };

  /** The programs that a provision and a destroy of that many VMs start; some run side by side, so in no order. */
  async function processes(vms: number): Promise<string[]> {
    const debug = `${box.folder}/debug-${vms}`;
    const file = await lab(vms);
    const before = await box.snapshot();
    const up = await box.vmnet('--debug', debug, 'provision', '--network-only', file);
    expect([up.code, up.json.changed]).toEqual([0, vms * 30 + 2]);
    const down = await box.vmnet('--debug', `${debug}-down`, 'destroy', 'wide');
    expect(down.json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
    const lines = (await box.run('cat', debug, `${debug}-down`)).split('\n');
    return lines
      .filter(line => /^[a-z]/.test(line))
      .map(line => line.replace(/\d+-(\d+)\.ip/, '$1.ip'))
      .sort();
  }

  it('takes as many processes as one of 30', async () => {
    const [few, many] = [await processes(1), await processes(10)];
    expect(many).toEqual(few);
    expect(many.filter(line => line.startsWith('ip -batch')).length).toBeLessThan(10);
  });

  it('is a no-op the second time', async () => {
    const file = await lab(10);
    await box.vmnet('provision', '--network-only', file);
    expect((await box.vmnet('provision', '--network-only', file)).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'wide')).code).toBe(0);
  });
});
