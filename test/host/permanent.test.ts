import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// A bridge that was there before the lab, and outlives it.

let box: Box;

beforeEach(async () => {
  box = await Box.up();
});

afterEach(() => box?.down());

const lab = (more: object = {}) =>
  box.lab({
    name: 'guest',
    bridges: { br9: { permanent: true, ...more } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br9' }] } },
  });

const ports = async () =>
  (JSON.parse(await box.run('ip', '-j', 'link')) as { ifname: string; master?: string }[]).flatMap(link =>
    link.master === 'br9' ? link.ifname : [],
  );

async function roundTrip(file: string, ...flags: string[]): Promise<string[]> {
  const before = await box.snapshot();
  const up = await box.vmnet('provision', '--network-only', ...flags, file);
  expect(up.json.error).toBeNull();
  const during = await ports();
  expect((await box.vmnet('provision', '--network-only', file)).json.changed).toBe(0);
  const link = JSON.parse(await box.run('ip', '-j', 'link', 'show', 'dev', 'br9'))[0];
  expect([link.altnames, link.ifalias]).toEqual([undefined, undefined]);
  const down = await box.vmnet('destroy', 'guest');
  expect(down.json.error).toBeNull();
  expect(await box.differenceFrom(before)).toEqual([]);
  return during;
}

describe('a permanent bridge', () => {
  it('has to be there', async () => {
    const refused = await box.vmnet('provision', '--network-only', await lab());
    expect([refused.code, refused.json.error.code]).toEqual([2, 'bad-lab']);
    expect(refused.json.error.message).toContain('no bridge br9');
  });

  it('keeps its settings, its address and the port that it had, whatever comes and goes', async () => {
    await box.run(
      'ip',
      'link',
      'add',
      'name',
      'br9',
      'mtu',
      '1400',
      'type',
      'bridge',
      'forward_delay',
      '200',
    );
    await box.run('ip', 'address', 'add', '10.9.0.1/24', 'dev', 'br9');
    await box.run('ip', 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'far1');
    await box.run('ip', 'link', 'set', 'dev', 'eth1', 'mtu', '1400', 'master', 'br9', 'up');
    await box.run('ip', 'link', 'set', 'dev', 'br9', 'up');
    expect(await roundTrip(await lab())).toHaveLength(2);
    expect(await roundTrip(await lab({ uplink: 'eth1' }))).toHaveLength(2);
    expect(await ports()).toEqual(['eth1']);
  });

  it('takes an uplink for as long as the lab is up', async () => {
    await box.run('ip', 'link', 'add', 'name', 'br9', 'address', '02:00:00:00:09:09', 'type', 'bridge');
    await box.run('ip', 'link', 'set', 'dev', 'br9', 'up');
    await box.run('ip', 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'far1');
    // A bridge that had a port once keeps what that did to its tso_max_size.
    await box.run('ip', 'link', 'set', 'dev', 'eth1', 'master', 'br9', 'up');
    await box.run('ip', 'link', 'set', 'dev', 'eth1', 'nomaster');
    expect(await roundTrip(await lab({ uplink: 'eth1' }))).toContain('eth1');
    expect(await ports()).toEqual([]);
  });
});
