import { describe, expect, test } from 'vitest';
import { lacksDevices, nftHooks, nftRules } from '../../../../src/host/rules/nft.js';

// What this kernel or this nft cannot show; test/host/firewall.test.ts has the rest.

const UPLINKS = [{ device: 'eth0', bridge: 'eth-lab' }];

const rule = (...expr: object[]) => ({
  rule: { family: 'inet', table: 'wall', chain: 'in', handle: 4, expr },
});
const matches = (right: unknown) => ({ match: { op: '==', left: { meta: { key: 'iifname' } }, right } });

const told = (...expr: object[]) => nftRules([rule(...expr)], UPLINKS).map(({ text }) => text);

describe('a rule', () => {
  test('that means the bridge by the same wildcard goes on', () => {
    expect(told(matches('eth*'), { drop: null })).toEqual([]);
    expect(told(matches({ set: ['eth0', 'eth-*'] }), { drop: null })).toEqual([]);
    expect(told(matches('eth0*'), { drop: null })).toEqual(['iifname eth0* drop']);
  });

  test('of an element with a counter or a timeout names what it holds', () => {
    expect(told(matches({ set: [{ elem: { val: 'eth0', timeout: 60 } }] }), { accept: null })).toEqual([
      'iifname eth0 accept',
    ]);
  });

  test('of a set that is not there, or of an unknown form, names nothing', () => {
    expect(told(matches('@gone'), { accept: null })).toEqual([]);
    expect(told({ match: null }, { match: { left: { concat: 1 }, right: [] } }, { xt: {} })).toEqual([]);
  });

  test('knows the set of its own table only', () => {
    const set = { set: { family: 'inet', table: 'other', name: 'nics', elem: ['eth0'] } };
    expect(nftRules([set, rule(matches('@nics'), { drop: null })], UPLINKS)).toEqual([]);
  });
});

describe('what is attached', () => {
  const hook = { family: 'netdev', table: 'n', name: 'f', hook: 'ingress' };

  test.each([
    [
      'a flowtable with one device',
      { flowtable: { ...hook, dev: 'eth0' } },
      'nft netdev table n, flowtable f',
    ],
    ['one with several', { flowtable: { ...hook, dev: ['lo', 'eth0'] } }, 'nft netdev table n, flowtable f'],
    ['a chain with its device', { chain: { ...hook, dev: 'eth0' } }, 'nft netdev table n, chain f'],
  ])('%s', (_, entry, where) => {
    const seen = { device: 'eth0', where, text: 'hook ingress', effect: 'sees-guests' };
    expect(nftHooks([entry], '', UPLINKS)).toEqual([seen]);
    expect(lacksDevices([entry])).toBe(false);
  });

  test('a chain without its device has to be looked up', () => {
    expect(lacksDevices([{ chain: hook }])).toBe(true);
    expect(lacksDevices([{ chain: { ...hook, hook: 'input' } }])).toBe(false);
    // As nft 1.0.6 prints one chain, and several devices.
    const chains = `table netdev n {
	chain a {
		type filter hook ingress device "eth1" priority filter; policy accept;
	}
	chain b {
		type filter hook egress devices = { eth1, eth0 } priority filter; policy accept;
	}
}
`;
    expect(nftHooks([], chains, UPLINKS)).toMatchObject([
      { where: 'nft netdev table n, chain b', text: 'hook egress' },
    ]);
  });
});
