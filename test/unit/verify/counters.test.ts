import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { counterScript, entryKey, parseCounts } from '../../../src/verify/counters.js';
import { type Target, targetsOf } from '../../../src/verify/targets.js';
import { FakeHost } from '../../fakes/host.js';
import { labFrom } from '../../fakes/labs.js';

const NIC = { boot: 'probe', nics: [{ bridge: 'br0' }, { bridge: 'br0' }, { bridge: 'br1' }] };

const targets = targetsOf(
  labFrom({
    version: 1,
    name: 'l',
    bridges: { br0: { uplink: 'eth0' }, br1: { uplink: 'eth1' }, br2: {} },
    vms: { web: NIC, db: NIC, lone: { boot: 'probe', nics: [{ bridge: 'br2' }] } },
  }),
  new FakeHost().observe(),
);

describe('the script that counts', () => {
  const lines = counterScript('vmnet_proof_7', targets, ['02:00:00:00:00:01', '02:00:00:00:00:01']).split(
    '\n',
  );
  const [bridge = '', , , netdev = ''] = lines;

  test('is one line a table, each of which dies with its owner', () => {
    expect(lines.map(line => line.split(' ').slice(0, 7).join(' '))).toEqual([
      'add table bridge vmnet_proof_7 { flags owner;',
      'add table inet vmnet_proof_7 { flags owner;',
      'add table arp vmnet_proof_7 { flags owner;',
      'add table netdev vmnet_proof_7 { flags owner;',
    ]);
  });

  test('hooks each uplink once, however many NICs lead to it', () => {
    expect([...netdev.matchAll(/egress device "([^"]+)"/g)].map(match => match[1])).toEqual(['eth0', 'eth1']);
  });

  test('has an element for every NIC, and one rule a hook', () => {
    for (const target of targets) {
      expect(bridge).toContain(`"${target.tap}" . ${target.nic.mac}`);
      expect(netdev).toContain(target.nic.mac);
    }
    expect(bridge.match(/@bridge_forward;/g)).toHaveLength(1);
  });

  test('leaves out frames to the bridges themselves, and everything but unicast', () => {
    expect(bridge).toContain('ether daddr != { 02:00:00:00:00:01 }');
    // The set of multicast and the two of strangers are for what the proof does not count.
    const rules = (lines.join(' ').match(/@\w+;/g) ?? []).filter(rule => rule !== '@bridge_multicast;');
    expect(lines.join(' ').split('ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00')).toHaveLength(
      rules.length + 1,
    );
  });

  test('has elements once, since nft refuses doubles', () => {
    const [first] = targets;
    if (!first) throw new Error('no target');
    expect(counterScript('t', [first, first], ['02:00:00:00:00:01']).split('\n')[2]).toContain(
      `elements = { ${first.nic.mac} }`,
    );
  });

  test('counts the frames of a trunk by whichever of its tags they bear', () => {
    const nics = [
      { bridge: 'br0', vlan: { trunk: [10, 20], native: 1 } },
      { bridge: 'br0', vlan: { access: 10 } },
    ];
    const ends = targetsOf(
      labFrom({
        version: 1,
        name: 'l',
        bridges: { br0: { uplink: 'eth0', vlanFiltering: true } },
        vms: { web: { boot: 'probe', nics } },
      }),
      new FakeHost().observe(),
    );
    const [trunk, access] = ends.map(({ nic }) => nic.mac);
    const rules = counterScript('t', ends, []).split('; ');
    const counting = rules.filter(rule => rule.includes('@netdev_tagged'));
    expect(counting.map(rule => rule.replace(/^.*priority \d+; /, '').split(' ether daddr')[0])).toEqual([
      `ether type != 8021q ether saddr { ${trunk} }`,
      `vlan id { 10, 20 } ether saddr { ${trunk} }`,
      `vlan id 10 ether saddr { ${access} }`,
    ]);
  });

  // Names are quoted, and what could end a quote is refused by the rules for lab files.
  test.each(['a"b', 'a b', 'a;b', 'a\nb', 'a{b', '$a', 'a\\b'])(
    'could not be broken by a tap called %j',
    tap => {
      const nics = [{ bridge: 'br0', tap }];
      const file = { version: 1, name: 'l', bridges: { br0: {} }, vms: { web: { boot: 'probe', nics } } };
      expect(() => labFrom(file)).toThrow(/tap/);
      const bridges = { br0: { uplink: tap } };
      expect(() => labFrom({ version: 1, name: 'l', bridges })).toThrow(/uplink/);
    },
  );
});

describe('what nft counted', () => {
  const text = readFileSync(new URL('../../fixtures/verify/sets.json', import.meta.url), 'utf8');
  const counts = parseCounts('vmnet_proof_1', JSON.parse(text).nftables);
  const named = (tap: string, mac: string) => entryKey({ tap, nic: { mac } } as Target);

  test('is read by hook and key', () => {
    expect(counts.get('bridge_prerouting', named('web-tap0', '52:54:00:00:00:01'))).toBe(3);
    expect(counts.get('bridge_prerouting', named('db.tap-1', '52:54:00:00:00:02'))).toBe(0);
    expect(counts.get('bridge_forward', '52:54:00:00:00:01')).toBe(0);
  });

  test('is nothing where nothing was counted', () => {
    expect(counts.get('netdev_egress', '52:54:00:00:00:01')).toBe(0);
    expect(counts.get('bridge_prerouting', '52:54:00:00:00:01')).toBe(0);
  });

  test('is that of our own table', () => {
    const other = structuredClone(JSON.parse(text).nftables) as { set?: { table: string } }[];
    for (const { set } of other) if (set) set.table = 'docker';
    expect(
      parseCounts('vmnet_proof_1', other).get('bridge_prerouting', named('web-tap0', '52:54:00:00:00:01')),
    ).toBe(0);
    expect(parseCounts('vmnet_proof_1', []).get('bridge_prerouting', '')).toBe(0);
  });
});
