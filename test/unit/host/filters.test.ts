import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nftFilters, tcFilters } from '../../../src/host/filters.js';
import { legacyFilters, saved } from '../../../src/host/legacy-filters.js';

const fixture = (name: string) =>
  readFileSync(new URL(`../../fixtures/host/filters/${name}`, import.meta.url), 'utf8');

describe("the chains of nft's own listing that drop", () => {
  const filters = nftFilters(JSON.parse(fixture('ruleset.json')));
  const of = (where: string) => filters.find(filter => filter.where === `nft ${where}`);

  test('are the base chains alone: one that nobody calls drops nothing', () => {
    expect(filters.map(({ where }) => where)).toEqual([
      'nft bridge table far, chain f',
      'nft bridge table far, chain p',
      'nft bridge table far, chain q',
      'nft inet table fw, chain forward',
      'nft inet table fw, chain ing',
      'nft netdev table one, chain in',
      'nft netdev table one, chain out',
      'nft netdev table one, chain many',
      'nft ip table filter, chain FORWARD',
    ]);
  });

  test('drop by policy, and by what they jump and go to', () => {
    expect(of('bridge table far, chain f')).toEqual({
      family: 'bridge',
      hook: 'forward',
      devices: [],
      where: 'nft bridge table far, chain f',
      drops: ['policy drop', 'chain deeper handle 10 drops'],
      toDockerUser: false,
    });
  });

  test('drop by verdict maps, written in the rule or by name', () => {
    expect(of('bridge table far, chain p')?.drops).toEqual([
      'chain p handle 17 drops',
      'chain deeper handle 10 drops',
    ]);
    expect(of('bridge table far, chain q')?.drops).toEqual([
      'chain q handle 18 drops',
      'chain deeper handle 10 drops',
    ]);
    expect(of('inet table fw, chain forward')?.drops).toEqual(['chain forward handle 4 drops']);
  });

  test('drop by a REJECT of iptables, for which nft has no word', () => {
    expect(of('ip table filter, chain FORWARD')?.drops).toEqual([
      'chain FORWARD handle 2 drops',
      'chain FORWARD handle 3 drops',
    ]);
  });

  test('have the devices that nft tells, if it does', () => {
    const chain = { family: 'netdev', table: 't', name: 'c', hook: 'ingress', policy: 'drop' };
    const devices = (dev: object) => nftFilters([{ chain: { ...chain, ...dev } }])[0]?.devices;
    expect(devices({})).toEqual([]);
    expect(devices({ dev: 'eth0' })).toEqual(['eth0']);
    expect(devices({ dev: ['eth0', 'eth1'] })).toEqual(['eth0', 'eth1']);
  });
});

describe('chains of nft that are built oddly', () => {
  const chain = (name: string, base = {}) => ({ chain: { family: 'inet', table: 't', name, ...base } });
  const rule = (from: string, handle: number, expression: object) => ({
    rule: { family: 'inet', table: 't', chain: from, handle, expr: [expression] },
  });
  const HOOK = { hook: 'forward', policy: 'accept' };

  test('end, where they go round', () => {
    const listed = [
      chain('a', HOOK),
      chain('b'),
      rule('a', 1, { goto: { target: 'b' } }),
      rule('b', 2, { goto: { target: 'a' } }),
      rule('b', 3, { reject: null }),
    ];
    expect(nftFilters(listed).map(({ drops }) => drops)).toEqual([['chain b handle 3 drops']]);
  });

  test('are walked once, however many ways lead to them', () => {
    const steps = Array.from({ length: 40 }, (_, i) => i);
    const listed = [
      chain('c0', HOOK),
      ...steps.flatMap(i => [
        rule(`c${i}`, 2 * i, { jump: { target: `c${i + 1}` } }),
        rule(`c${i}`, 2 * i + 1, { jump: { target: `c${i + 1}` } }),
      ]),
      rule('c40', 99, { drop: null }),
    ];
    expect(nftFilters(listed)[0]?.drops).toEqual(['chain c40 handle 99 drops']);
  });

  test.each([
    [[]],
    [[{}]],
    [[{ metainfo: {} }]],
    [[chain('a', HOOK), rule('a', 1, { vmap: { data: '@gone' } })]],
    [[chain('a', HOOK), rule('a', 1, { vmap: null })]],
    [[chain('a', HOOK), rule('a', 1, { jump: { target: 'gone' } })]],
    [[chain('a', HOOK), { rule: { family: 'inet', table: 't', chain: 'a', handle: 1 } }]],
  ])('drop nothing: %j', listed => {
    expect(nftFilters(listed)).toEqual([]);
  });
});

describe('the legacy tables', () => {
  test.each([
    ['iptables', 'ip', 'icmp'],
    ['ip6tables', 'ip6', 'icmp6'],
  ] as const)("as Docker sets up %s: by table, through Docker's chains", (program, family, icmp) => {
    expect(legacyFilters(program, family, fixture(`${program}-save.txt`))).toEqual([
      {
        family,
        hook: 'forward',
        devices: [],
        where: `${program} chain FORWARD`,
        drops: [
          'policy DROP',
          `rule -A DOCKER-USER -j REJECT --reject-with ${icmp}-port-unreachable`,
          'rule -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP',
        ],
        toDockerUser: true,
      },
    ]);
  });

  test('of another table than filter are named with it', () => {
    const text = '*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n';
    expect(legacyFilters('iptables', 'ip', text).map(({ where }) => where)).toEqual([
      'iptables -t raw chain PREROUTING',
    ]);
  });

  test('of arptables, by what it lists', () => {
    const text = saved('filter', fixture('arptables-list.txt'));
    expect(legacyFilters('arptables', 'arp', text)).toMatchObject([
      { hook: 'input', where: 'arptables chain INPUT', drops: ['policy DROP'] },
      { hook: 'forward', where: 'arptables chain FORWARD', drops: ['rule -A deep -j DROP '] },
    ]);
  });

  // This form is out of ebtables(8): the kernel that the others were listed on has no such table.
  test('of ebtables, whose own chains have policies', () => {
    const text = saved(
      'filter',
      [
        'Bridge table: filter',
        '',
        'Bridge chain: INPUT, entries: 0, policy: ACCEPT',
        '',
        'Bridge chain: FORWARD, entries: 1, policy: ACCEPT',
        '-p IPv4 -j deep ',
        '',
        'Bridge chain: deep, entries: 1, policy: DROP',
        '-s 2:0:0:0:0:1 -j ACCEPT ',
      ].join('\n'),
    );
    expect(legacyFilters('ebtables', 'bridge', text)).toMatchObject([
      { family: 'bridge', hook: 'forward', drops: ['policy DROP of deep'] },
    ]);
  });

  test.each([[''], ['*filter'], ['nonsense\n-A'], [':FORWARD DROP'], ['*filter\n-A FORWARD -j DROP']])(
    'drop nothing: %j',
    text => {
      expect(legacyFilters('iptables', 'ip', text)).toEqual([]);
    },
  );

  test('end, where their chains go round', () => {
    const text = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -g a\n-A a -j b\n-A b -j a\n-A b -j DROP\n';
    expect(legacyFilters('iptables', 'ip', text)[0]?.drops).toEqual(['rule -A b -j DROP']);
  });
});

describe("tc's classifiers", () => {
  const listed = JSON.parse(fixture('tc.json'));

  test('are told once, with what they do', () => {
    expect(tcFilters('e0', 'ingress', listed.ingress)).toEqual([
      { device: 'e0', side: 'ingress', text: 'u32 filter, pref 10, mirred redirect to v0' },
    ]);
    expect(tcFilters('e0', 'egress', listed.egress)).toEqual([
      { device: 'e0', side: 'egress', text: 'bpf filter, pref 49152' },
    ]);
  });

  test('may be none', () => expect(tcFilters('e0', 'egress', [])).toEqual([]));
});
