import { expect, test } from 'vitest';
import { planProvision } from '../../../src/plan/plan.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { labFrom } from '../../fakes/labs.js';

const lab = labFrom({ version: 1, name: 'odd', bridges: { br0: { uplink: 'eth0' } }, vms: {} });

async function seen() {
  const host = await hostFrom({
    links: { eth0: { addresses: ['192.0.2.10/24'] } },
    nexthops: ['id 7 via 192.0.2.1 dev eth0'],
    routes: ['10.1.0.0/16 via 192.0.2.1 dev eth0', '10.2.0.0/16 nhid 7'],
    rules: ['from all iif eth0 pref 70 lookup 100'],
  });
  return host.observe();
}

test.each([
  ['routes', 'the route 10.1.0.0/16 in table main (encap mpls)'],
  ['rules', 'the rule 70 (encap mpls)'],
  ['nexthops', 'the route 10.2.0.0/16, by nexthop 7'],
  ['nexthops', 'the nexthop 7 (encap mpls)'],
] as const)('%s that cannot be said to ip again are refused by name: %s', async (kind, name) => {
  const host = await seen();
  const odd = { ...host, [kind]: host[kind].map(thing => ({ ...thing, odd: ['encap mpls'] })) };
  expect(() => planProvision(lab, odd, null)).toThrow(name);
  expect(() => planProvision(lab, odd, null, { yes: true })).not.toThrow();
  expect(() => planProvision(lab, host, null)).not.toThrow();
});
