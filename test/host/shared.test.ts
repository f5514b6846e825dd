import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// Two labs on one bridge and one uplink: the last one out puts the NIC back.

let box: Box;
let before: Snapshot;

beforeEach(async () => {
  box = await Box.up();
  before = await box.snapshot();
});

afterEach(() => box?.down());

const lab = (name: string, bridge: object = { uplink: 'eth0' }) =>
  box.lab(
    { name, bridges: { br0: bridge }, vms: { [name]: { boot: 'probe', nics: [{ bridge: 'br0' }] } } },
    `${name}.json`,
  );

const provision = (file: string) => box.vmnet('provision', '--network-only', file);

/** Both labs up, one after the other. */
async function both(bridge: object = { uplink: 'eth0' }) {
  const [first, second] = [await lab('first', bridge), await lab('second', bridge)];
  for (const file of [first, second]) expect((await provision(file)).json.error).toBeNull();
  return { first, second };
}

describe('two labs on one bridge and one uplink', () => {
  it.each([
    ['first', 'second'],
    ['second', 'first'],
  ])('%s destroyed first: the other goes on, and puts the NIC back', async (one, other) => {
    const files = await both({ uplink: 'eth0', bridgeNetfilter: 'off' });
    for (const file of [files.first, files.second])
      expect((await provision(file)).json).toMatchObject({ ok: true, changed: 0 });
    expect((await box.vmnet('destroy', one)).json.error).toBeNull();
    expect(await box.run('ip', '-br', 'link', 'show', 'master', 'br0')).toContain('eth0');
    expect(await box.pingFromLan('192.0.2.2')).toBe(3);
    expect((await provision(files[other as 'first' | 'second'])).json).toMatchObject({
      ok: true,
      changed: 0,
    });
    expect((await box.vmnet('destroy', other)).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('that disagree about the bridge: the second is refused, and nothing is changed', async () => {
    await provision(await lab('first'));
    const meanwhile = await box.run('ip', '-br', 'address');
    const isolated = await provision(await lab('second', {}));
    expect([isolated.code, isolated.json.error.code]).toEqual([1, 'conflict']);
    expect(isolated.json.error.message).toContain('the uplink eth0');
    const spanning = await provision(await lab('second', { uplink: 'eth0', stp: true }));
    expect(spanning.json.error.message).toContain('STP');
    expect(await box.run('ip', '-br', 'address')).toBe(meanwhile);
    await box.vmnet('destroy', 'first');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('at the same moment: one waits for the other', async () => {
    const files = [await lab('first'), await lab('second')];
    const answers = await Promise.all(files.map(provision));
    expect(answers.map(answer => answer.json.error)).toEqual([null, null]);
    const ports = await box.run('ip', '-br', 'link', 'show', 'master', 'br0');
    for (const name of ['eth0', 'first-', 'second-']) expect(ports).toContain(name);
    await Promise.all([box.vmnet('destroy', 'first'), box.vmnet('destroy', 'second')]);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('provision while destroy runs', () => {
  it('waits for it, or is told with --no-wait; the host is whole whichever came first', async () => {
    const file = await lab('first');
    await provision(file);
    const [down, up, hasty] = await Promise.all([
      box.vmnet('destroy', 'first'),
      provision(file),
      box.vmnet('provision', '--network-only', '--no-wait', file),
    ]);
    expect([down.json.error, up.json.error]).toEqual([null, null]);
    if (hasty.json.error) expect(hasty.json.error.code).toBe('busy');
    expect((await box.vmnet('destroy', 'first')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('a bridge on which others have ports', () => {
  it('is not deleted, unless by force', async () => {
    await provision(await lab('first'));
    await box.run('ip', 'link', 'add', 'name', 'other0', 'type', 'veth', 'peer', 'name', 'other1');
    await box.run('ip', 'link', 'set', 'dev', 'other0', 'master', 'br0');
    const refused = await box.vmnet('destroy', 'first');
    expect([refused.code, refused.json.error.code]).toEqual([1, 'conflict']);
    expect(refused.json.error.hint).toContain('--force');
    expect((await box.vmnet('destroy', '--force', 'first')).json.error).toBeNull();
    expect(await box.run('ip', '-br', 'link', 'show', 'dev', 'other0')).toContain('other0');
    await box.run('ip', 'link', 'del', 'dev', 'other0');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
