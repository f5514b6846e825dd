import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { type Answer, Box } from '../support/box.js';
import { pathsOf } from '../support/paths.js';

// One lab from provision to destroy on real guests, each test a chapter; the later ones build on the earlier.

const nic = (host: number) => ({ bridge: 'br0', address: [`192.0.2.${host}/24`, `fd00:db8::${host}/64`] });
const lab = (vms: object) => ({
  name: 'life',
  bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off' } },
  defaults: { vm: { boot: 'probe' } },
  vms,
});
const THREE = { web: { nics: [nic(50)] }, db: { nics: [nic(51)] }, canary: { nics: [nic(52)] } };

let box: Box;
let file: string;
let before: Snapshot;
let identity: unknown;

beforeAll(async () => {
  box = await Box.up();
  await box.run(
    'ip',
    'route',
    'add',
    '198.51.100.0/24',
    'via',
    '192.0.2.1',
    'table',
    '100',
    'proto',
    'static',
  );
  await box.run('ip', 'rule', 'add', 'iif', 'eth0', 'to', '198.51.100.0/24', 'lookup', '100', 'pref', '77');
  await box.run('ip', '-6', 'rule', 'add', 'from', 'fd00:db8::/64', 'lookup', '100', 'pref', '78');
  // As Docker leaves it: the lab has to turn it off, and destroy to turn it on again.
  await box.run(
    'sysctl',
    '-w',
    'net.bridge.bridge-nf-call-iptables=1',
    'net.bridge.bridge-nf-call-ip6tables=1',
  );
  file = await box.lab(lab(THREE));
  before = await box.snapshot();
});

afterAll(() => box?.down());

const paths = (answer: Answer) => Object.fromEntries(pathsOf(answer).map(({ vm, verdict }) => [vm, verdict]));

/** What a second run must not touch: interface indexes, MACs, domain UUIDs, running processes. */
async function identityNow() {
  const links = JSON.parse(await box.run('ip', '-j', 'link'));
  return {
    links: links.map((link: Record<string, unknown>) => [
      link.ifname,
      link.ifindex,
      link.address,
      link.master,
    ]),
    domains: await box.run('virsh', '-q', 'list', '--uuid', '--name', '--all'),
  };
}

describe('a lab of three guests on an addressed uplink', () => {
  it('is provisioned, and every NIC is proven direct', async () => {
    const answer = await box.vmnet('provision', file);
    expect(answer.json.error).toBeNull();
    expect(answer.code).toBe(0);
    expect(answer.json).toMatchObject({ ok: true, command: 'provision', lab: 'life' });
    expect(answer.json.changed).toBe(answer.json.steps.length);
    expect(paths(answer)).toEqual({ web: 'direct', db: 'direct', canary: 'direct' });
    const { evidence } = answer.json.checks.find((check: { name: string }) => check.name === 'path');
    expect(evidence.bridge.prerouting).toBeGreaterThan(0);
    expect(evidence.uplink.egress).toBeGreaterThan(0);
    expect(evidence.hostStack).toMatchObject({ prerouting: 0, forward: 0, input: 0, arp: 0 });
    identity = await identityNow();
  });

  it("answers from the LAN: each guest, and the host at its addresses, now the bridge's", async () => {
    for (const host of [2, 50, 51, 52]) {
      expect(await box.pingFromLan(`192.0.2.${host}`), `192.0.2.${host}`).toBe(3);
      expect(await box.pingFromLan(`fd00:db8::${host}`), `fd00:db8::${host}`).toBe(3);
    }
    expect(await box.run('ip', '-4', '-o', 'addr', 'show', 'dev', 'br0')).toContain('192.0.2.2/24');
    expect(await box.run('ip', '-o', 'addr', 'show', 'dev', 'eth0')).toBe('');
    expect(await box.run('ip', 'route', 'show', 'table', '100')).toContain('via 192.0.2.1 dev br0');
    expect(await box.run('ip', 'rule')).toContain('iif br0');
  });

  it('echoes TCP on port 7', async () => {
    const echo = await box.lan('sh', '-c', 'echo hello | timeout 10 busybox nc -w 3 192.0.2.50 7');
    expect(echo).toContain('hello');
  });

  it('is verified again, by file and by name', async () => {
    const answer = await box.vmnet('verify', file);
    expect([answer.code, paths(answer)]).toEqual([0, { web: 'direct', db: 'direct', canary: 'direct' }]);
    expect((await box.vmnet('verify', 'life')).code).toBe(0);
  });

  it('shows itself in status and list', async () => {
    const { json } = await box.vmnet('status', 'life');
    expect(json.vms.map((vm: { name: string; state: string }) => [vm.name, vm.state])).toEqual([
      ['web', 'running'],
      ['db', 'running'],
      ['canary', 'running'],
    ]);
    expect(json.vms[0].nics[0]).toMatchObject({ bridge: 'br0', address: '192.0.2.50/24', present: true });
    expect((await box.vmnet('list')).json.labs.map((entry: { name: string }) => entry.name)).toEqual([
      'life',
    ]);
  });

  it('is not changed by a second run', async () => {
    const plan = await box.vmnet('plan', file);
    expect(plan.json.plan.phases).toEqual([]);
    const answer = await box.vmnet('provision', file);
    expect([answer.code, answer.json.changed]).toEqual([0, 0]);
    expect(await identityNow()).toEqual(identity);
  });
});

describe('what the proof sees when the path is not direct', () => {
  const verdicts = async () => {
    const answer = await box.vmnet('verify', file);
    const check = answer.json.checks.find((entry: { name: string }) => entry.name === 'path');
    return [answer.code, check.verdict, check.reason];
  };

  it.each(['iptables', 'ip6tables'])(
    'a detour through br_netfilter by %s, and none once it is off',
    async table => {
      await box.run('sysctl', '-w', `net.bridge.bridge-nf-call-${table}=1`);
      expect(await verdicts()).toEqual([3, 'detour', `bridge-nf-call-${table}`]);
      await box.run('sysctl', '-w', `net.bridge.bridge-nf-call-${table}=0`);
      expect(await verdicts()).toEqual([0, 'direct', null]);
    },
  );

  it("the uplink's peer down", async () => {
    await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'down');
    expect(await verdicts()).toEqual([3, 'blocked', 'uplink-no-carrier']);
    await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'up');
    expect(await verdicts()).toEqual([0, 'direct', null]);
  });

  it('a drop rule in the bridge', async () => {
    await box.run(
      'nft',
      'add table bridge block; add chain bridge block f { type filter hook forward priority 0; }; add rule bridge block f drop',
    );
    expect((await verdicts()).slice(0, 2)).toEqual([3, 'blocked']);
    await box.run('nft', 'delete', 'table', 'bridge', 'block');
    expect(await verdicts()).toEqual([0, 'direct', null]);
  });

  it('a guest that is frozen', async () => {
    await box.run('virsh', '-q', 'suspend', 'life-web');
    const answer = await box.vmnet('verify', '--timeout', '2', file);
    expect([answer.code, paths(answer)]).toEqual([3, { web: 'unproven', db: 'direct', canary: 'direct' }]);
    await box.run('virsh', '-q', 'resume', 'life-web');
  });

  it('leaves no rule, port or namespace behind', async () => {
    expect(await box.run('nft', 'list', 'ruleset')).toBe('');
    expect(await box.run('ip', '-br', 'link', 'show', 'type', 'veth')).toMatch(/^eth0@\S+\s.*\n$/);
  });
});

describe('changes to the lab', () => {
  it('a VM more', async () => {
    file = await box.lab(lab({ ...THREE, extra: { nics: [nic(53)] } }));
    const answer = await box.vmnet('provision', file);
    expect(answer.json.error).toBeNull();
    expect(answer.json.steps.map((step: { phase: string }) => step.phase)).toEqual([
      'taps',
      'domains',
      'start',
    ]);
    expect(paths(answer).extra).toBe('direct');
    expect(await identityNow()).toMatchObject({
      links: expect.arrayContaining((identity as { links: unknown[] }).links),
    });
  });

  it('other memory: said, and done only with --restart', async () => {
    file = await box.lab(lab({ ...THREE, extra: { memory: '160MiB', nics: [nic(53)] } }));
    const first = await box.vmnet('provision', file);
    expect(first.json.steps.map((step: { phase: string }) => step.phase)).toEqual(['domains']);
    expect(first.json.notes).toEqual([expect.stringContaining('extra')]);
    expect(await box.run('virsh', 'dominfo', 'life-extra')).toContain('131072 KiB');
    const second = await box.vmnet('provision', '--restart', file);
    expect(second.json.steps.map((step: { phase: string }) => step.phase)).toEqual(['start']);
    expect(await box.run('virsh', 'dominfo', 'life-extra')).toContain('163840 KiB');
    expect((await box.vmnet('provision', '--no-verify', file)).json.changed).toBe(0);
  });

  it('a VM less', async () => {
    file = await box.lab(lab(THREE));
    const answer = await box.vmnet('provision', file);
    expect([answer.code, new Set(answer.json.steps.map((step: { phase: string }) => step.phase))]).toEqual([
      0,
      new Set(['remove']),
    ]);
    expect(await identityNow()).toEqual(identity);
  });
});

describe('destroy', () => {
  it('puts the host back exactly, without the file, and twice is no error', async () => {
    const answer = await box.vmnet('destroy', 'life');
    expect([answer.code, answer.json.error]).toEqual([0, null]);
    expect(await box.differenceFrom(before)).toEqual([]);
    expect(await box.vmnet('destroy', 'life')).toMatchObject({ code: 0, json: { changed: 0 } });
    expect(await box.vmnet('destroy', file)).toMatchObject({ code: 0, json: { changed: 0 } });
  });
});
