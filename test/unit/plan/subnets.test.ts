import { describe, expect, test } from 'vitest';
import { parseCidr } from '../../../src/lab/cidr.js';
import { overlap } from '../../../src/plan/claims.js';
import type { PlanProblem } from '../../../src/plan/problems.js';
import { settled } from '../../../src/plan/subnets.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { labFrom } from '../../fakes/labs.js';

const file = (name: string, count = 1) => ({
  version: 1,
  name,
  bridges: Object.fromEntries(Array.from({ length: count }, (_, n) => [`br${n}`, { address: 'auto' }])),
});

/** What each bridge is given on a host with these routes and labs. */
async function chosen(lab: object, routes: string[] = [], applied: object[] = []): Promise<string[]> {
  const links = { wan0: {}, eth0: { addresses: ['192.0.2.10/24'] } };
  const host = (await hostFrom({ links, routes, applied })).observe();
  const problems: PlanProblem[] = [];
  const { bridges } = settled(labFrom(lab), host, problems);
  expect(problems).toEqual([]);
  return bridges.flatMap(({ address }) => (address.mode === 'auto' ? address.cidrs : []));
}

const cidr = (text: string) => parseCidr(text) ?? expect.fail(text);

describe('a subnet that is chosen', () => {
  test('is the same every time, and another for another lab and bridge', async () => {
    const [one = '', two = ''] = await chosen(file('l', 2));
    expect(await chosen(file('l', 2))).toEqual([one, two]);
    expect(await chosen(file('m'))).not.toEqual([one]);
    expect(one).not.toBe(two);
  });

  test('steps aside for whatever is there, in any table and of any kind', async () => {
    const [one = ''] = await chosen(file('l'));
    const network = one.replace(/\.1\/24$/, '');
    for (const route of [
      `${network}.128/25 dev wan0`,
      `${network}.7 dev wan0 table 7`,
      `blackhole ${network}.0/24`,
      `${network}.0/23 via 192.0.2.1 dev eth0`,
    ]) {
      const [other = ''] = await chosen(file('l'), [route]);
      expect(other, route).not.toBe(one);
      expect(overlap(cidr(other), cidr(one)), route).toBe(false);
    }
    expect(await chosen(file('l'), ['default via 192.0.2.1 dev eth0', '0.0.0.0/1 dev wan0'])).toEqual([one]);
  });

  test('steps aside for another lab that wants the same one', async () => {
    const [one = ''] = await chosen(file('l'));
    const other = { version: 1, name: 'o', bridges: { br9: { address: one } } };
    expect(await chosen(file('l'), [], [other])).not.toEqual([one]);
  });

  test('is never that of another, however many there are', async () => {
    const all = await chosen(file('l', 40));
    const cidrs = all.map(cidr);
    expect(cidrs.filter((a, i) => cidrs.some((b, j) => i < j && overlap(a, b)))).toEqual([]);
  });
});
