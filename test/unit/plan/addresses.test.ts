import { describe, expect, test } from 'vitest';
import { findAddressClashes } from '../../../src/plan/addresses.js';
import type { PlanProblem } from '../../../src/plan/problems.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { labFrom } from '../../fakes/labs.js';

const BRIDGES = { br0: { uplink: 'eth0' }, br1: {} };
const HOST = {
  links: {
    eth0: { addresses: ['192.0.2.10/24', 'fd00:db8::10/64'] },
    wan0: { addresses: ['203.0.113.1/24'] },
  },
};

/** Messages about one guest with these addresses on br0. */
async function clashes(address: string[], { applied = false, bridge = 'br0' } = {}): Promise<string[]> {
  const file = { version: 1, name: 'l', bridges: BRIDGES };
  const host = (await hostFrom({ ...HOST, ...(applied ? { applied: [file] } : {}) })).observe();
  const vms = { web: { boot: 'probe', nics: [{ bridge, address }] } };
  const problems: PlanProblem[] = [];
  findAddressClashes(labFrom({ ...file, vms }), host, problems);
  expect(problems.filter(({ code }) => code !== 'bad-lab')).toEqual([]);
  return problems.map(({ message }) => message);
}

describe("a guest's address", () => {
  test.each([
    ['of the uplink', ['192.0.2.10/24'], false, 'eth0'],
    ['of the bridge, once it moved there', ['192.0.2.10/24'], true, 'br0'],
    ['with another prefix', ['192.0.2.10/25'], false, 'eth0'],
    ['of IPv6, spelt at length', ['FD00:DB8:0:0::0010/64'], false, 'eth0'],
  ])("%s is the host's own", async (_, address, applied, holder) => {
    const [message, ...more] = await clashes(address, { applied });
    expect(message).toMatch(/^vms\.web\.nics\[0\]\.address: /);
    expect(message).toContain(`is the host's own address, on ${holder}`);
    expect(more).toEqual([]);
  });

  test('is told of each', async () => {
    expect(await clashes(['192.0.2.10/24', '192.0.2.11/24', 'fd00:db8::10/64'])).toHaveLength(2);
  });

  test.each([
    ['beside it', ['192.0.2.11/24', 'fd00:db8::11/64'], 'br0'],
    ['on another network', ['203.0.113.1/24'], 'br0'],
    ['on a bridge that the host is not on', ['192.0.2.10/24'], 'br1'],
    ['of the other family with the same number', ['::c000:20a/96'], 'br0'],
  ])('%s is its own', async (_, address, bridge) => {
    expect(await clashes(address, { bridge })).toEqual([]);
  });
});
