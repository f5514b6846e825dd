import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// A lab on a bridge of Open vSwitch, with a private ovs-vswitchd: in user space where the kernel has no datapath.

const NIC = {
  name: 'eth0',
  host: [],
  lan: ['192.0.2.1/24', 'fd00:db8::1/64'],
  gateways: [],
};

interface Check {
  readonly name: string;
  readonly vm: string;
  readonly verdict: string;
  readonly reason: string | null;
  readonly evidence: {
    readonly hostStack: Record<string, unknown>;
    readonly uplink: { readonly egress: number; readonly captured: number };
    readonly inbound: { readonly toTap: number };
    readonly tag?: { readonly vid: number | null; readonly frames: number };
  };
}

const paths = (answer: { json: { checks: Check[] } }) =>
  answer.json.checks.filter(check => check.name === 'path');

const verdicts = (answer: { json: { checks: Check[] } }) =>
  paths(answer).map(({ vm, verdict, reason }) => [vm, verdict, reason]);

const lab = (a: object, b: object) => ({
  name: 'switched',
  bridges: { ovs0: { type: 'ovs', uplink: 'eth0' } },
  vms: {
    a: { boot: 'probe', nics: [{ bridge: 'ovs0', tap: 'tap-a', address: '192.0.2.50/24', ...a }] },
    b: { boot: 'probe', nics: [{ bridge: 'ovs0', tap: 'tap-b', address: '192.0.2.51/24', ...b }] },
  },
});

describe('a bridge of Open vSwitch', { timeout: 240_000 }, () => {
  let box: Box;
  let before: Snapshot;
  let file: string;

  beforeAll(async () => {
    box = await Box.up([NIC], { ovs: true });
    before = await box.snapshot();
    file = await box.lab(lab({}, {}));
  }, 60_000);
  afterAll(() => box?.down());

  test('carries guests to the LAN, past the host', async () => {
    const answer = await box.vmnet('provision', file);
    expect(answer.code, answer.stderr).toBe(0);
    expect(verdicts(answer)).toEqual([
      ['a', 'direct', null],
      ['b', 'direct', null],
    ]);
    for (const { evidence } of paths(answer)) {
      expect(evidence.hostStack).toMatchObject({ prerouting: 0, forward: 0, input: 0, arp: 0 });
      expect(evidence.uplink.captured).toBeGreaterThan(0);
      expect(evidence.uplink.egress).toBeGreaterThan(0);
      expect(evidence.inbound.toTap).toBeGreaterThan(0);
    }
    expect(await box.pingFromLan('192.0.2.50')).toBe(3);
    expect(await box.pingFromLan('192.0.2.51')).toBe(3);
    expect(await box.run('ovs-vsctl', 'get', 'Bridge', 'ovs0', 'external_ids:vmnet-lab')).toBe('switched\n');
  });

  test('is left alone by a second run, and keeps no port of the proof', async () => {
    const answer = await box.vmnet('provision', file);
    expect(answer.json).toMatchObject({ ok: true, changed: 0 });
    const ports = (await box.run('ovs-vsctl', 'list-ports', 'ovs0')).trim().split('\n').sort();
    expect(ports).toEqual(['eth0', 'tap-a', 'tap-b']);
  });

  test.each([
    ['the uplink down', ['ip', 'link', 'set', 'eth0', 'down'], 'blocked', 'uplink-down'],
    ['the uplink off the bridge', ['ovs-vsctl', 'del-port', 'eth0'], 'blocked', 'uplink-not-enslaved'],
    ['the tap off the bridge', ['ovs-vsctl', 'del-port', 'tap-a'], 'blocked', 'tap-not-enslaved'],
  ])('%s is seen, named and mended', async (_, words, verdict, reason) => {
    await box.run(...words);
    const found = await box.vmnet('verify', '--timeout', '1', file);
    expect(found.code).toBe(3);
    expect(verdicts(found)[0]).toEqual(['a', verdict, reason]);
    const mended = await box.vmnet('provision', file);
    expect(mended.json).toMatchObject({ ok: true, changed: 1 });
    expect(verdicts(mended)[0]).toEqual(['a', 'direct', null]);
  });

  test('flows that drop are no direct path', async () => {
    await box.run('ovs-ofctl', 'add-flow', 'ovs0', 'priority=100,in_port=tap-a,actions=drop');
    const found = await box.vmnet('verify', '--timeout', '1', file);
    expect(verdicts(found)).toEqual([
      ['a', 'blocked', 'not-forwarded'],
      ['b', 'direct', null],
    ]);
    await box.run('ovs-ofctl', '--strict', 'del-flows', 'ovs0', 'priority=100,in_port=tap-a');
  });

  test('a guest that stands still proves nothing', async () => {
    await box.run('virsh', '-q', 'suspend', 'switched-a');
    const found = await box.vmnet('verify', '--timeout', '1', file);
    expect(verdicts(found)[0]).toEqual(['a', 'unproven', 'guest-paused']);
    await box.run('virsh', '-q', 'resume', 'switched-a');
  });

  test('keeps VLANs apart, and tags them on the uplink', async () => {
    const vlans = await box.lab(
      lab({ vlan: { access: 10 } }, { vlan: { trunk: [20], native: 30 } }),
      'vlans.json',
    );
    const answer = await box.vmnet('provision', '--restart', vlans);
    expect(answer.code, answer.stderr).toBe(0);
    const tags = paths(answer).map(({ vm, verdict, evidence }) => [vm, verdict, evidence.tag?.vid]);
    expect(tags).toEqual([
      ['a', 'direct', 10],
      ['b', 'direct', 30],
    ]);
    for (const { evidence } of paths(answer)) expect(evidence.tag?.frames).toBe(evidence.uplink.egress);
    // The LAN's own side has no VLANs, and so reaches neither.
    expect(await box.pingFromLan('192.0.2.50')).toBe(0);
    expect(await box.pingFromLan('192.0.2.51')).toBe(0);
    // Nor does a port in the VLAN of one reach the other.
    await box.run(
      'ovs-vsctl',
      'add-port',
      'ovs0',
      'peer',
      'tag=10',
      '--',
      'set',
      'Interface',
      'peer',
      'type=internal',
    );
    await box.run('ip', 'address', 'add', '192.0.2.60/24', 'dev', 'peer');
    await box.run('ip', 'link', 'set', 'dev', 'peer', 'up');
    const ping = (address: string) =>
      box.attempt('host', 'ping', '-c', '2', '-W', '2', '-I', 'peer', address);
    expect((await ping('192.0.2.50')).code).toBe(0);
    expect((await ping('192.0.2.51')).code).toBe(1);
    const refused = await box.vmnet('destroy', 'switched');
    expect(refused.json.error.message).toContain('still used by ports that vmnet did not make: peer');
    await box.run('ovs-vsctl', 'del-port', 'ovs0', 'peer');
  });

  test('is gone without a trace after destroy', async () => {
    const answer = await box.vmnet('destroy', 'switched');
    expect(answer.code, answer.stderr).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
    expect((await box.run('ovs-vsctl', 'list-br')).trim()).toBe('');
  });

  test('a run that was killed is undone', async () => {
    // As soon as the bridge is there; the loop is bounded, and the last command says whether it was.
    const script = `"$0" dist/cli.js provision --yes "$1" & p=$!; i=0
      until ovs-vsctl br-exists ovs0 || [ $i -gt 500 ]; do i=$((i+1)); sleep 0.01; done
      kill -9 $p; ovs-vsctl br-exists ovs0`;
    const ended = await box.attempt('host', 'sh', '-c', script, process.execPath, file);
    expect(ended.code, ended.stderr).toBe(0);
    expect((await box.vmnet('recover', 'switched')).code).toBe(0);
    expect((await box.run('ovs-vsctl', 'list-br')).trim()).toBe('');
    expect((await box.vmnet('destroy', 'switched')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('Open vSwitch that does not run', { timeout: 60_000 }, () => {
  test('is named, with what to do', async () => {
    const box = await Box.up([NIC]);
    try {
      const answer = await box.vmnet('provision', await box.lab(lab({}, {})));
      expect(answer.json.error).toMatchObject({ code: 'bad-lab' });
      expect(answer.json.error.message).toContain('Open vSwitch, which does not run');
      expect(answer.json.error.hint).toContain('systemctl start openvswitch-switch');
    } finally {
      await box.down();
    }
  });
});
