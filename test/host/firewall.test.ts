import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// Rules that name the uplink stop matching once a bridge has its addresses.

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

const lab = () =>
  box.lab({
    name: 'walled',
    bridges: { br0: { uplink: 'eth0' } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  });

describe('a host whose firewall names the uplink', () => {
  it.each([
    ['by name', 'iifname "eth0" tcp dport 22 accept'],
    ['by index', 'iif eth0 tcp dport 22 accept'],
    ['in a set', 'oifname { "eth0", "eth9" } drop'],
    ['negated', 'iifname != "eth0" accept'],
  ])('%s: provision refuses and quotes the rule; --yes goes on', async (_, rule) => {
    const file = await lab();
    await box.run('nft', `add table inet wall; add chain inet wall in; add rule inet wall in ${rule}`);
    const before = await box.snapshot();
    const refused = await box.vmnetAsIs('provision', '--network-only', file);
    expect([refused.code, refused.json.error.code]).toEqual([1, 'conflict']);
    expect(refused.json.error.message).toMatch(/eth0.*inet table wall, chain in/);
    expect(await box.differenceFrom(before)).toEqual([]);
    expect((await box.vmnet('provision', '--network-only', file)).code).toBe(0);
    expect((await box.vmnetAsIs('provision', '--network-only', file)).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'walled')).code).toBe(0);
    await box.run('nft', 'delete', 'table', 'inet', 'wall');
  });
});
